import { Injectable } from '@nestjs/common';
import { Clock, DomainError } from '#kernel';
import { Config } from '#platform/config';
import { Database } from '#platform/database';
import { MailQueue } from '#platform/mail';
import { accountMails } from './account-mail-kinds.js';
import { AccountTokens } from './account-tokens.js';
import { currentUser } from './current-user.js';
import { PasswordCheck } from './password-check.js';
import { Passwords } from './passwords.js';
import { SecondFactors } from './second-factor/second-factors.js';
import { Sessions } from './sessions.js';
import type { User } from './user.row.js';
import { usersErrors } from './users.errors.js';
import { UsersService } from './users.service.js';

/**
 * What somebody may do who reads the mail of an address: confirm it, choose a new password, move an account to it.
 * What anybody may ask for is the same row in the queue of mail for every address, so nobody learns who has an account.
 */
@Injectable()
export class AccountService {
  constructor(
    private readonly users: UsersService,
    private readonly passwords: Passwords,
    private readonly passwordCheck: PasswordCheck,
    private readonly tokens: AccountTokens,
    private readonly secondFactors: SecondFactors,
    private readonly sessions: Sessions,
    private readonly mails: MailQueue,
    private readonly database: Database,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /** Mails another token to an address that waits to be confirmed. */
  async resendVerification(email: string): Promise<void> {
    await this.mails.enqueue(accountMails.verifyEmail, email, { email });
  }

  /** @throws DomainError invalid_or_expired_token */
  async verifyEmail(token: string): Promise<void> {
    await this.database.transaction(async () => {
      const { userId, email } = await this.tokens.spend('verify_email', token);
      await this.users.changeAccount(userId, (user) => {
        // The address may be another by now.
        if (user.email !== email) throw new DomainError(usersErrors.invalid_or_expired_token);
        return user.emailVerifiedAt ? {} : { emailVerifiedAt: this.clock.now() };
      });
    });
  }

  /** Mails a token to whoever has an account with this address. */
  async forgotPassword(email: string): Promise<void> {
    await this.mails.enqueue(accountMails.resetPassword, email, { email });
  }

  /**
   * Sets a new password and ends every session and every other token, whoever holds them. The token came by mail, so
   * the address is confirmed as well. A second factor stays, and is asked for at the next log-in.
   *
   * @throws DomainError invalid_or_expired_token, service_unavailable
   */
  async resetPassword(token: string, password: string): Promise<void> {
    // Before the transaction, so that no connection waits for it.
    const passwordHash = await this.passwords.hash(password);
    await this.database.transaction(async () => {
      const { userId, email } = await this.tokens.spend('reset_password', token);
      const user = await this.users.changeAccount(userId, (current) => {
        // It was mailed to an address that the account has left: whoever reads the mail there is nobody here.
        if (current.email !== email) throw new DomainError(usersErrors.invalid_or_expired_token);
        return { passwordHash, ...(current.emailVerifiedAt ? {} : { emailVerifiedAt: this.clock.now() }) };
      });
      await this.endEverythingPending(userId);
      await this.sessions.revokeAll(userId);
      await this.mails.enqueue(accountMails.passwordChanged, userId, { email, name: user.name });
    });
  }

  /**
   * Mails a token to the new address of a user who knows their password. Nothing changes until it comes back.
   *
   * @throws DomainError wrong_password, insufficient_aal, rate_limited, user_not_found, service_unavailable
   */
  async requestEmailChange(email: string, password: string): Promise<void> {
    const user = currentUser();
    const { userId } = user;
    await this.passwordCheck.require(userId, password);
    await this.secondFactors.requireProven(user);
    await this.mails.enqueue(accountMails.changeEmail, userId, { userId, email });
  }

  /**
   * Moves an account to the address to which the token was mailed, and tells the old one.
   *
   * @throws DomainError invalid_or_expired_token; email_taken when somebody else has the address by now
   */
  async confirmEmailChange(token: string): Promise<void> {
    await this.database.transaction(async () => {
      const { userId, email } = await this.tokens.spend('change_email', token);
      let oldEmail = email;
      const { name } = await this.users.changeAccount(userId, (user) => {
        oldEmail = user.email;
        return { email, emailVerifiedAt: this.clock.now() };
      });
      if (oldEmail === email) await this.endEverythingPending(userId);
      else await this.leave(oldEmail, userId, name);
    });
  }

  /**
   * Follows up on an address that staff have put in the place of another, in the transaction that did: the old one is
   * told, and the new one asked for its proof where addresses are.
   */
  async moved({ id, email, name }: User, oldEmail: string): Promise<void> {
    await this.leave(oldEmail, id, name);
    if (this.config.settings.USERS_EMAIL_VERIFICATION === 'none') return;
    await this.mails.enqueue(accountMails.verifyEmail, email, { email });
  }

  private async leave(oldEmail: string, userId: string, name: string): Promise<void> {
    // It was mailed to the old address.
    await this.endEverythingPending(userId);
    await this.mails.enqueue(accountMails.emailChanged, userId, { email: oldEmail, name });
  }

  private async endEverythingPending(userId: string): Promise<void> {
    await this.tokens.endAll(userId);
    await this.secondFactors.endPending(userId);
    await this.mails.withdraw(accountMails.changeEmail, userId);
  }
}
