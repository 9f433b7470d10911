import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { Config } from '#platform/config';
import { AccessTokens } from '#platform/security';
import type { Tokens } from './auth.schema.js';
import { type Assurance, type SessionGrant, Sessions } from './sessions.js';
import type { User } from './user.row.js';
import { usersErrors } from './users.errors.js';
import { toUserView } from './users.schema.js';

/** Lets people in who have proven who they are, whichever way they did. */
@Injectable()
export class Admission {
  /** Whether nobody enters before their address is proven. */
  readonly requiresVerification: boolean;

  constructor(
    private readonly sessions: Sessions,
    private readonly accessTokens: AccessTokens,
    { settings }: Config,
  ) {
    this.requiresVerification = settings.USERS_EMAIL_VERIFICATION === 'required';
  }

  /** Whether a user may come in, once they have proven who they are. */
  mayEnter({ emailVerifiedAt }: User): boolean {
    return !this.requiresVerification || emailVerifiedAt !== null;
  }

  /**
   * For whoever has proven more than a password that they may have chosen for somebody else's address.
   *
   * @throws DomainError email_not_verified
   */
  requireMayEnter(user: User): void {
    if (!this.mayEnter(user)) throw new DomainError(usersErrors.email_not_verified);
  }

  /**
   * Opens a session.
   *
   * @param passwordHash what the password was verified against; null where something else let the user in
   * @throws DomainError invalid_credentials when the password has changed meanwhile, or the user is gone
   */
  async enter(user: User, passwordHash: string | null, assurance: Assurance): Promise<Tokens> {
    return this.tokensFor(user, await this.sessions.open(user.id, passwordHash, assurance));
  }

  /**
   * Raises a session to two factors, by the method of the second one.
   *
   * @returns its tokens from now on; undefined where there is no such session of ours
   */
  async raise(user: User, sessionId: string, method: string): Promise<Tokens | undefined> {
    const raised = await this.sessions.raise(sessionId, user.id, method);
    return raised && this.tokensFor(user, raised);
  }

  /** The tokens of a session, with the user's role as it is now. */
  async tokensFor(user: User, { refreshToken, ...session }: SessionGrant): Promise<Tokens> {
    const { id: userId, role } = user;
    return {
      accessToken: await this.accessTokens.issue({ userId, role, ...session }),
      tokenType: 'Bearer',
      expiresIn: this.accessTokens.lifetimeSeconds,
      refreshToken,
      user: toUserView(user),
    };
  }
}
