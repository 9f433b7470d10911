import { createPrivateKey, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Actor, type AssuranceLevel, Clock, DomainError, ROLES, type Role } from '#kernel';
import { createLocalJWKSet, type JWK, jwtVerify, SignJWT } from 'jose';
import { Config, parseSigningKeys, type Settings, type SigningKey } from '../config/index.js';
import { securityErrors } from './security.errors.js';

const ALGORITHM = 'EdDSA';
/** Clocks of two machines may differ by this much. */
export const CLOCK_TOLERANCE_SECONDS = 5;

export interface AccessTokenSubject {
  readonly userId: string;
  readonly role: Role;
  readonly sessionId: string;
  readonly aal: AssuranceLevel;
  /** How the session's user came in: authentication method references (RFC 8176). */
  readonly amr: readonly string[];
}

/** The keys of one set, ready for use: the first one signs, all of them verify. */
interface KeySet {
  readonly signingKey: KeyObject;
  readonly signingKeyId: string;
  readonly publicKeys: { keys: JWK[] };
  readonly verificationKeys: ReturnType<typeof createLocalJWKSet>;
}

/** Issues and verifies the access tokens: JWTs signed with Ed25519, short-lived, verifiable by anyone with the JWKS. */
@Injectable()
export class AccessTokens {
  private keySet: KeySet;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
  ) {
    this.keySet = readKeySet(config.settings);
    config.onChange((settings) => (this.keySet = readKeySet(settings)));
  }

  /** The public keys, as `/.well-known/jwks.json` shows them. */
  get jwks(): { keys: JWK[] } {
    return this.keySet.publicKeys;
  }

  /** How long a token lives from now on. */
  get lifetimeSeconds(): number {
    return this.config.settings.ACCESS_TOKEN_TTL_SECONDS;
  }

  async issue({ userId, role, sessionId, aal, amr }: AccessTokenSubject): Promise<string> {
    const issuedAt = Math.floor(this.clock.now().getTime() / 1000);
    const issuer = this.config.settings.TOKEN_ISSUER;
    const { signingKey, signingKeyId } = this.keySet;
    return new SignJWT({ role, sid: sessionId, acr: `aal${aal}`, amr })
      .setProtectedHeader({ alg: ALGORITHM, kid: signingKeyId, typ: 'at+jwt' })
      .setSubject(userId)
      .setIssuer(issuer)
      .setAudience(issuer)
      .setIssuedAt(issuedAt)
      .setNotBefore(issuedAt)
      .setExpirationTime(issuedAt + this.lifetimeSeconds)
      .sign(signingKey);
  }

  /**
   * Who the bearer of `token` is.
   *
   * @throws DomainError invalid_token for a token that is forged, expired, or meant for somebody else
   */
  async verify(token: string): Promise<Actor> {
    const issuer = this.config.settings.TOKEN_ISSUER;
    try {
      const { payload } = await jwtVerify(token, this.keySet.verificationKeys, {
        algorithms: [ALGORITHM],
        typ: 'at+jwt',
        issuer,
        audience: issuer,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: this.clock.now(),
        requiredClaims: ['sub', 'exp', 'nbf', 'sid', 'role'],
      });
      const { sub, sid, role, acr } = payload as { sub: string; sid: string; role: Role; acr?: string };
      if (!ROLES.includes(role)) throw new Error(`Unknown role ${role}.`);
      return { kind: 'user', userId: sub, role, sessionId: sid, aal: acr === 'aal2' ? 2 : 1 };
    } catch (error) {
      throw new DomainError(securityErrors.invalid_token, { cause: error });
    }
  }
}

/** The entry point made sure that there are keys. */
function readKeySet({ SIGNING_KEYS }: Settings): KeySet {
  const keys = parseSigningKeys(SIGNING_KEYS ?? '');
  const [first] = keys ?? [];
  if (!keys || !first) throw new Error('SIGNING_KEYS is not set.');
  const publicKeys = { keys: keys.map(publicPart) };
  return {
    signingKey: createPrivateKey({ key: first, format: 'jwk' }),
    signingKeyId: first.kid,
    publicKeys,
    verificationKeys: createLocalJWKSet(publicKeys),
  };
}

/** An Ed25519 key without its private member `d`. */
function publicPart({ kty, crv, x, kid }: SigningKey): JWK {
  return { kty, crv, x, kid, alg: ALGORITHM, use: 'sig' };
}
