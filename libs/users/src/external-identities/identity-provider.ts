import { Injectable } from '@nestjs/common';
import { Clock, DomainError } from '#kernel';
import { Config, isSafeUrl } from '#platform/config';
import { httpErrors } from '#platform/http';
import { CallPolicy } from '#platform/resilience';
import { CLOCK_TOLERANCE_SECONDS, securityErrors } from '#platform/security';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import { z } from 'zod';
import {
  type ExternalClaims,
  externalClaimsSchema,
  type ExternalPerson,
  personIn,
} from './external-claims.js';

/** What is signed with a key that only the provider has. A shared secret, or none, is nobody's signature. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];
/** Access tokens (RFC 9068); many providers say less, but none means another kind of token by it. */
const TYPES = ['at+jwt', 'application/at+jwt', 'jwt'];

const TIMEOUT_MS = 3_000;
const MAX_ANSWER_BYTES = 1_048_576;
/** After a failure the provider is left alone for this long. */
const BREAK_MS = 10_000;
/** Where its keys and its user info are, it may have changed by then. */
const METADATA_FRESH_MS = 600_000;
/** Keys are asked for again when they are older, or, at most so often, when a token names one that is not known. */
const KEYS_FRESH_MS = 600_000;
const UNKNOWN_KEY_COOLDOWN_MS = 30_000;
/** While the provider is away its keys hold for this long. */
const KEYS_KEPT_MS = 86_400_000;

const metadataSchema = z.looseObject({
  issuer: z.string(),
  jwks_uri: z.string().refine(isSafeUrl),
  userinfo_endpoint: z.string().refine(isSafeUrl).optional(),
});
const claimsSchema = z.looseObject({});

interface Discovered {
  readonly keys: JWTVerifyGetKey;
  readonly userInfoUrl: string | undefined;
}

/** The provider could not be asked, or answered what makes no sense. */
class ProviderAway extends Error {
  constructor(cause: unknown) {
    super('The identity provider gives no answer.', { cause });
  }
}

/** The outside identity provider: what it says of itself, its keys, and what its tokens prove. */
@Injectable()
export class IdentityProvider {
  private readonly metadataPolicy = policy({ breakAfterFailures: 1 });
  private readonly userInfoPolicy = policy({ breakAfterFailures: 5 });
  private discovery: { readonly found: Promise<Discovered>; readonly begunAt: Date } | undefined;
  /** The keys as they last came, for the time in which the provider is away. */
  private lastKeys: { readonly keys: JWTVerifyGetKey; readonly knownAt: Date } | undefined;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /** The `iss` of its tokens; undefined where no outside provider is configured. */
  get issuer(): string | undefined {
    return this.config.settings.OIDC_ISSUER;
  }

  /** Whether a token says that it is the provider's. */
  issued(token: string): boolean {
    try {
      return decodeJwt(token).iss === this.issuer;
    } catch {
      return false;
    }
  }

  /**
   * What a token proves.
   *
   * @throws DomainError invalid_token for one that is forged, expired, or meant for somebody else; service_unavailable
   *   while nobody can know that, because the provider is away and has not been asked for the token's key before
   */
  async verify(token: string): Promise<ExternalClaims> {
    const { OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience } = this.config.settings;
    if (issuer === undefined || audience === undefined) throw new Error('There is no outside provider.');
    return this.answering(async () => {
      const { payload, protectedHeader } = await jwtVerify(token, this.keyOf, {
        ...{ algorithms: ALGORITHMS, issuer, audience, clockTolerance: CLOCK_TOLERANCE_SECONDS },
        currentDate: this.clock.now(),
        requiredClaims: ['sub', 'iat', 'exp'],
      });
      const { typ = 'JWT' } = protectedHeader;
      if (!TYPES.includes(typ.toLowerCase())) throw new Error(`A ${typ} is no access token.`);
      // Its subject shows it to nobody but the client that it was made for.
      const isIdToken = ['nonce', 'at_hash', 'c_hash'].some((claim) => payload[claim] !== undefined);
      if (isIdToken) throw new Error('An ID token is no access token.');
      const claims = externalClaimsSchema.parse(payload);
      // Else it would be newer than the end of a link that comes after it.
      const isFromFuture = claims.iat > this.clock.now().getTime() / 1_000 + CLOCK_TOLERANCE_SECONDS;
      if (isFromFuture) throw new Error('The token was issued in the future.');
      return claims;
    });
  }

  /**
   * Who the subject of a verified token is; undefined where the provider does not vouch for their address. The token
   * says it, or else the provider is asked.
   *
   * @throws DomainError service_unavailable, invalid_token
   */
  async personOf(token: string, claims: ExternalClaims): Promise<ExternalPerson | undefined> {
    if (claims['email'] !== undefined) return personIn(claims);
    return this.answering(async () => {
      const { userInfoUrl } = await this.discovered();
      if (userInfoUrl === undefined) return undefined;
      const isRefusal = ({ status }: Response) => status === 401 || status === 403;
      const answer = await ask(
        this.userInfoPolicy,
        userInfoUrl,
        async (response) => (isRefusal(response) ? undefined : claimsSchema.parse(await jsonOf(response))),
        { authorization: `Bearer ${token}` },
      );
      // What is said of somebody else is no news of this one (OpenID Connect Core, 5.3.2).
      if (answer && answer['sub'] !== claims.sub) throw new Error('The user info is somebody else’s.');
      return answer && personIn(answer);
    });
  }

  private async answering<T>(fn: () => Promise<T>): Promise<T> {
    try {
      return await fn();
    } catch (cause) {
      const isAway = cause instanceof ProviderAway;
      throw isAway
        ? new DomainError(httpErrors.service_unavailable, { retryAfterSeconds: BREAK_MS / 1_000, cause })
        : new DomainError(securityErrors.invalid_token, { cause });
    }
  }

  /** The key that a token names. While the provider is away, one that it has shown before will do. */
  private readonly keyOf: JWTVerifyGetKey = async (header, token) => {
    try {
      const { keys } = await this.discovered();
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof ProviderAway)) throw error;
      const { keys, knownAt } = this.lastKeys ?? {};
      const isKept = knownAt !== undefined && this.clock.now().getTime() - knownAt.getTime() < KEYS_KEPT_MS;
      if (!keys || !isKept) throw error;
      try {
        return await keys(header, token);
      } catch {
        // It may have one by now that is not known here.
        throw error;
      }
    }
  };

  private discovered(): Promise<Discovered> {
    const now = this.clock.now();
    if (!this.discovery || now.getTime() - this.discovery.begunAt.getTime() > METADATA_FRESH_MS) {
      const found = this.discover().catch((error: unknown) => {
        this.discovery = undefined;
        throw error;
      });
      this.discovery = { found, begunAt: now };
    }
    return this.discovery.found;
  }

  private async discover(): Promise<Discovered> {
    const url = `${this.issuer?.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const metadata = await ask(this.metadataPolicy, url, async (response) => {
      const found = metadataSchema.parse(await jsonOf(response));
      if (found.issuer !== this.issuer) throw new Error(`${url} speaks for another issuer.`);
      return found;
    });
    const keys = createRemoteJWKSet(new URL(metadata.jwks_uri), {
      ...{ cacheMaxAge: KEYS_FRESH_MS, cooldownDuration: UNKNOWN_KEY_COOLDOWN_MS },
      [customFetch]: (jwksUrl) => this.fetchKeys(jwksUrl),
    });
    return { keys, userInfoUrl: metadata.userinfo_endpoint };
  }

  private async fetchKeys(url: string): Promise<Response> {
    try {
      return await ask(this.metadataPolicy, url, async (response) => {
        const answer = await jsonOf(response);
        // What is no set of keys fails here, so that it counts as a failure.
        const keys = createLocalJWKSet(answer as JSONWebKeySet);
        this.lastKeys = { keys, knownAt: this.clock.now() };
        return Response.json(answer);
      });
    } catch (error) {
      // They may be somewhere else by now.
      this.discovery = undefined;
      throw error;
    }
  }
}

function policy({ breakAfterFailures }: { breakAfterFailures: number }): CallPolicy {
  return new CallPolicy({
    ...{ timeoutMs: TIMEOUT_MS, maxConcurrent: 16 },
    ...{ breakAfterFailures, breakForMs: BREAK_MS },
  });
}

/** @throws ProviderAway */
async function ask<T>(
  calls: CallPolicy,
  url: string,
  read: (response: Response) => Promise<T>,
  headers: Record<string, string> = {},
): Promise<T> {
  try {
    // More than one may wait for the answer: it does not end with the first that gives up.
    return await calls.call(new AbortController().signal, async (signal) => {
      const accept = 'application/json';
      return read(await fetch(url, { signal, redirect: 'error', headers: { accept, ...headers } }));
    });
  } catch (error) {
    throw new ProviderAway(error);
  }
}

async function jsonOf(response: Response): Promise<unknown> {
  const body = await textOf(response);
  if (response.status !== 200) throw new Error(`${response.url} answers ${response.status}.`);
  return JSON.parse(body) as unknown;
}

/** The body as text. Keys and claims are small: whatever is not is no answer to what was asked. */
async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > MAX_ANSWER_BYTES)
      throw new Error(`${response.url} answers more than ${MAX_ANSWER_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
