import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Actor, type AssuranceLevel, Clock, DomainError, ROLES, type Role } from '#kernel';
import { createLocalJWKSet, importJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import { Config } from '../config/index.js';
import { securityErrors } from './security.errors.js';

const ALGORITHM = 'EdDSA';
/** Clocks of two machines may differ by this much. */
const CLOCK_TOLERANCE_SECONDS = 5;

export interface AccessTokenSubject {
  readonly userId: string;
  readonly role: Role;
  readonly sessionId: string;
  readonly aal: AssuranceLevel;
}

/** Issues and verifies the access tokens: JWTs signed with Ed25519, short-lived, verifiable by anyone with the JWKS. */
@Injectable()
export class AccessTokens implements OnModuleInit {
  private signingKey!: Awaited<ReturnType<typeof importJWK>>;
  private signingKeyId!: string;
  private publicKeys!: { keys: JWK[] };
  private verificationKeys!: ReturnType<typeof createLocalJWKSet>;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  async onModuleInit(): Promise<void> {
    const { keys } = JSON.parse(this.config.settings.SIGNING_KEYS ?? '{"keys":[]}') as { keys: JWK[] };
    const [first] = keys;
    if (!first?.kid) throw new Error('SIGNING_KEYS holds no key with a kid.');
    this.signingKey = await importJWK(first, ALGORITHM);
    this.signingKeyId = first.kid;
    this.publicKeys = { keys: keys.map(publicPart) };
    this.verificationKeys = createLocalJWKSet(this.publicKeys);
  }

  /** The public keys, as `/.well-known/jwks.json` shows them. */
  get jwks(): { keys: JWK[] } {
    return this.publicKeys;
  }

  /** How long a token lives from now on. */
  get lifetimeSeconds(): number {
    return this.config.settings.ACCESS_TOKEN_TTL_SECONDS;
  }

  async issue({ userId, role, sessionId, aal }: AccessTokenSubject): Promise<string> {
    const issuedAt = Math.floor(this.clock.now().getTime() / 1000);
    const issuer = this.config.settings.TOKEN_ISSUER;
    return new SignJWT({ role, sid: sessionId, acr: `aal${aal}` })
      .setProtectedHeader({ alg: ALGORITHM, kid: this.signingKeyId, typ: 'at+jwt' })
      .setSubject(userId)
      .setIssuer(issuer)
      .setAudience(issuer)
      .setIssuedAt(issuedAt)
      .setNotBefore(issuedAt)
      .setExpirationTime(issuedAt + this.lifetimeSeconds)
      .sign(this.signingKey);
  }

  /**
   * Who the bearer of `token` is.
   *
   * @throws DomainError invalid_token for a token that is forged, expired, or meant for somebody else
   */
  async verify(token: string): Promise<Actor> {
    const issuer = this.config.settings.TOKEN_ISSUER;
    try {
      const { payload } = await jwtVerify(token, this.verificationKeys, {
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

/** An Ed25519 key without its private member `d`. */
function publicPart({ kty, crv, x, kid }: JWK): JWK {
  return { kty, crv, x, kid, alg: ALGORITHM, use: 'sig' };
}
