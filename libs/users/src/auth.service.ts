import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { AccountService } from './account.service.js';
import { Admission } from './admission.js';
import type { Login, Tokens } from './auth.schema.js';
import { PasswordCheck } from './password-check.js';
import { SecondFactorLogins } from './second-factor/second-factor-logins.js';
import { Sessions } from './sessions.js';
import { usersErrors } from './users.errors.js';

/** Logging in with a password, and staying logged in. */
@Injectable()
export class AuthService {
  constructor(
    private readonly passwordCheck: PasswordCheck,
    private readonly secondFactorLogins: SecondFactorLogins,
    private readonly admission: Admission,
    private readonly sessions: Sessions,
    private readonly accounts: AccountService,
  ) {}

  /**
   * Opens a session. An unknown e-mail address and a wrong password look the same and take the same time; and so does an
   * address that has to be proven first: else whoever registers with any address, where the answer tells nothing, would
   * learn here whether it was taken. Its owner is mailed another token.
   *
   * @throws DomainError invalid_credentials, rate_limited, service_unavailable; second_factor_required to whom knows
   *   the password
   */
  async login({ email, password }: Login): Promise<Tokens> {
    const user = await this.passwordCheck.identify(email, password, (found) =>
      this.admission.mayEnter(found),
    );
    if (!user) {
      if (this.admission.requiresVerification) await this.accounts.resendVerification(email);
      throw new DomainError(usersErrors.invalid_credentials);
    }
    await this.secondFactorLogins.demand(user);
    return this.admission.enter(user, user.passwordHash, { aal: 1, amr: ['pwd'] });
  }

  /**
   * Goes on with a session: a fresh access token, with the user's role as it is now, and the next refresh token.
   *
   * @throws DomainError invalid_refresh_token, refresh_token_reused
   */
  async refresh(refreshToken: string): Promise<Tokens> {
    const { user, ...grant } = await this.sessions.rotate(refreshToken);
    return this.admission.tokensFor(user, grant);
  }

  /** Ends the session of a refresh token; nothing happens where there is none. */
  async logout(refreshToken: string): Promise<void> {
    await this.sessions.close(refreshToken);
  }
}
