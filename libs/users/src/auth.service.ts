import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { Config } from '#platform/config';
import { AccessTokens } from '#platform/security';
import type { Login, Tokens } from './auth.schema.js';
import { PasswordCheck } from './password-check.js';
import { type SessionGrant, Sessions } from './sessions.js';
import type { User } from './user.row.js';
import { usersErrors } from './users.errors.js';
import { toUserView } from './users.schema.js';

/** Logging in and staying logged in. */
@Injectable()
export class AuthService {
  private readonly requiresVerification: boolean;

  constructor(
    private readonly passwordCheck: PasswordCheck,
    private readonly sessions: Sessions,
    private readonly accessTokens: AccessTokens,
    { settings }: Config,
  ) {
    this.requiresVerification = settings.USERS_EMAIL_VERIFICATION === 'required';
  }

  /**
   * Opens a session. An unknown e-mail address and a wrong password look the same and take the same time.
   *
   * @param address where the call comes from
   * @throws DomainError invalid_credentials, rate_limited, service_unavailable; email_not_verified, to whom knows the password
   */
  async login({ email, password }: Login, address: string): Promise<Tokens> {
    const user = await this.passwordCheck.identify(email, password, address);
    if (!user) throw new DomainError(usersErrors.invalid_credentials);
    if (this.requiresVerification && user.emailVerifiedAt === null) {
      throw new DomainError(usersErrors.email_not_verified);
    }
    return this.tokensFor(user, await this.sessions.open(user.id, user.passwordHash));
  }

  /**
   * Goes on with a session: a fresh access token, with the user's role as it is now, and the next refresh token.
   *
   * @throws DomainError invalid_refresh_token, refresh_token_reused
   */
  async refresh(refreshToken: string): Promise<Tokens> {
    const { user, ...grant } = await this.sessions.rotate(refreshToken);
    return this.tokensFor(user, grant);
  }

  /** Ends the session of a refresh token; nothing happens where there is none. */
  async logout(refreshToken: string): Promise<void> {
    await this.sessions.close(refreshToken);
  }

  private async tokensFor(user: User, { sessionId, refreshToken }: SessionGrant): Promise<Tokens> {
    return {
      accessToken: await this.accessTokens.issue({ userId: user.id, role: user.role, sessionId, aal: 1 }),
      tokenType: 'Bearer',
      expiresIn: this.accessTokens.lifetimeSeconds,
      refreshToken,
      user: toUserView(user),
    };
  }
}
