import { Injectable } from '@nestjs/common';
import { Clock, DomainError } from '#kernel';
import { Config } from '#platform/config';
import { currentActor } from '#platform/context';
import { Database } from '#platform/database';
import { httpErrors } from '#platform/http';
import { Idempotency } from '#platform/idempotency';
import { MailQueue } from '#platform/mail';
import { accountMails, oneMailTo } from './account-mail-kinds.js';
import { AccountTokens, type TokenPurpose } from './account-tokens.js';
import { currentUser } from './current-user.js';
import { IdentityLinks } from './external-identities/identity-links.js';
import { type Recipient, recipientOf } from './letter.js';
import { PasswordCheck } from './password-check.js';
import { Passwords } from './passwords.js';
import { isGuessable } from './password-strength.js';
import { PendingChanges } from './pending-changes.js';
import { PersonalData } from './personal-data.js';
import { registrantPrincipal } from './registrant-principal.js';
import { SecondFactors } from './second-factor/second-factors.js';
import { Sessions } from './sessions.js';
import { toSummary } from './user-summary.js';
import type { ProvenUser, User } from './user.row.js';
import { usersErrors } from './users.errors.js';
import { GUESSABLE } from './users.schema.js';
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
    private readonly identities: IdentityLinks,
    private readonly pending: PendingChanges,
    private readonly personalData: PersonalData,
    private readonly idempotency: Idempotency,
    private readonly sessions: Sessions,
    private readonly mails: MailQueue,
    private readonly database: Database,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /** Mails another token to an address that waits to be confirmed. */
  async resendVerification(email: string): Promise<void> {
    await this.mails.enqueue(accountMails.verifyEmail, email, oneMailTo(email));
  }

  /**
   * Confirms the address of an account for whoever reads its mail and knows the account's password: somebody else may
   * have registered with the address first. A wrong password leaves the token good. See docs/adr/0022.
   *
   * @throws DomainError invalid_or_expired_token, wrong_password, rate_limited, service_unavailable
   */
  async verifyEmail(token: string, password: string): Promise<void> {
    const { email, user } = await this.provenBy('verify_email', token, password);
    await this.database.transaction(() =>
      this.users.changeAccount(user, async (current) => {
        await this.tokens.spend('verify_email', token);
        // The address may be another by now.
        if (current.email !== email) throw new DomainError(usersErrors.invalid_or_expired_token);
        return { emailVerifiedAt: current.emailVerifiedAt ?? this.clock.now() };
      }),
    );
    await this.passwordCheck.welcome(email);
  }

  /** Mails a token to whoever has an account with this address. */
  async forgotPassword(email: string): Promise<void> {
    await this.mails.enqueue(accountMails.resetPassword, email, oneMailTo(email));
  }

  /**
   * Sets a new password and ends every session, every link to an outside identity, and every other token. The token came by mail, so
   * the address is confirmed as well. Where that is its first proof, whoever had the account of a customer until then may
   * have been a stranger, whose second factors go; another second factor stays, and is asked for at the next log-in.
   *
   * @throws DomainError invalid_or_expired_token, service_unavailable; validation_failed for a password that is easy to
   *   guess
   */
  async resetPassword(token: string, password: string): Promise<void> {
    const { userId, email } = await this.tokens.read('reset_password', token);
    // Before the transaction, so that no connection waits for it.
    const passwordHash = await this.newPassword(password, await this.users.find(userId));
    await this.database.transaction(async () => {
      let hadSecondFactor = false;
      let recipient: Recipient = { email, name: null };
      await this.users.changeAccount({ id: userId }, async (current) => {
        await this.tokens.spend('reset_password', token);
        // It was mailed to an address that the account has left: whoever reads the mail there is nobody here.
        if (current.email !== email) throw new DomainError(usersErrors.invalid_or_expired_token);
        recipient = recipientOf(current);
        // Whoever gave a role among staff has made sure whose account it is; the mailbox alone is not to open it.
        const mayBeStrangers = current.emailVerifiedAt === null && current.role === 'customer';
        if (mayBeStrangers) hadSecondFactor = await this.secondFactors.forget(userId);
        return { passwordHash, emailVerifiedAt: current.emailVerifiedAt ?? this.clock.now() };
      });
      await this.lockOut(userId, recipient);
      await this.mails.enqueue(accountMails.passwordChanged, userId, { ...recipient, hadSecondFactor });
    });
    await this.passwordCheck.welcome(email);
  }

  /**
   * Sets a new password for the user who calls and knows the old one. Everything else that opens the account ends, as
   * with a reset. Their own session goes on, unless it is an identity provider's: a link opens the account to every token
   * of an identity, also to one that somebody else holds.
   *
   * @throws DomainError validation_failed for a password that is easy to guess, wrong_password, insufficient_aal,
   *   rate_limited, user_not_found, service_unavailable
   */
  async changePassword(currentPassword: string, password: string): Promise<void> {
    const caller = currentUser();
    const user = await this.passwordCheck.requireOfCaller(currentPassword);
    const passwordHash = await this.newPassword(password, user);
    await this.database.transaction(async () => {
      await this.secondFactors.lock(user.id);
      await this.secondFactors.requireProven(caller);
      await this.users.changeAccount(user, () => Promise.resolve({ passwordHash }));
      const recipient = recipientOf(user);
      await this.lockOut(user.id, recipient, caller.sessionId);
      await this.mails.enqueue(accountMails.passwordChanged, user.id, recipient);
    });
  }

  /**
   * Mails a token to the new address of a user who knows their password. Nothing changes until it comes back.
   *
   * @throws DomainError email_unchanged, wrong_password, insufficient_aal, rate_limited, user_not_found, service_unavailable
   */
  async requestEmailChange(email: string, password: string): Promise<void> {
    const caller = currentUser();
    const { userId } = caller;
    const user = await this.passwordCheck.requireOfCaller(password);
    if (user.email === email) throw new DomainError(usersErrors.email_unchanged);
    await this.database.transaction(async () => {
      // The first second factor ends what was begun without one: before it, or not at all.
      await this.secondFactors.lock(userId);
      await this.passwordCheck.hold(user);
      await this.secondFactors.requireProven(caller);
      await this.mails.enqueue(accountMails.changeEmail, userId, { userId, ...oneMailTo(email) });
    });
  }

  /**
   * Moves an account to the address to which the token was mailed, and tells the old one. It takes the password, as the
   * first confirmation does: a stranger may have named the address of whoever reads the mail.
   *
   * @throws DomainError invalid_or_expired_token, wrong_password, rate_limited, service_unavailable; email_taken when
   *   somebody else has the address by now
   */
  async confirmEmailChange(token: string, password: string): Promise<void> {
    const { email, user } = await this.provenBy('change_email', token, password);
    await this.database.transaction(async () => {
      let old: User = user;
      const { id } = await this.users.changeAccount(user, async (current) => {
        await this.tokens.spend('change_email', token);
        old = { ...current };
        return { email, emailVerifiedAt: this.clock.now() };
      });
      if (old.email === email) await this.pending.endAll(id);
      else await this.leave(old);
    });
    await this.passwordCheck.welcome(email);
  }

  /**
   * Follows up on an address that staff have put in the place of another, in the transaction that did: the old one is
   * told, and the new one asked for its proof where addresses are. Sessions end, which may be those of whoever has the
   * old mailbox; not the one of staff who move themselves.
   */
  async moved({ id, email }: User, old: User): Promise<void> {
    const actor = currentActor();
    const isOneself = actor.kind === 'user' && actor.userId === id;
    await this.sessions.revokeAll(id, isOneself ? actor.sessionId : undefined);
    await this.leave(old);
    if (this.config.settings.USERS_EMAIL_VERIFICATION === 'none') return;
    await this.mails.enqueue(accountMails.verifyMoved, email, oneMailTo(email));
  }

  /** Whom a mailed token and the password of the account name together; the token is not spent by that. */
  private async provenBy(
    purpose: TokenPurpose,
    token: string,
    password: string,
  ): Promise<{ readonly email: string; readonly user: ProvenUser }> {
    const { userId, email } = await this.tokens.read(purpose, token);
    const user = await this.users.find(userId);
    if (!user) throw new DomainError(usersErrors.invalid_or_expired_token);
    return { email, user: await this.passwordCheck.requireOfHolder(token, user, password) };
  }

  /** The hash of a password that somebody has chosen. */
  private async newPassword(password: string, user: User | undefined): Promise<string> {
    if (user && isGuessable(password, [user.email, user.name])) {
      const errors = [{ pointer: '/password', ...GUESSABLE }];
      throw new DomainError(httpErrors.validation_failed, { errors });
    }
    return this.passwords.hash(password);
  }

  /** Ends whatever has opened an account until now, or was about to, in the running transaction. */
  private async lockOut(userId: string, recipient: Recipient, keptSessionId?: string): Promise<void> {
    await this.identities.endAll({ id: userId, ...recipient });
    await this.pending.endAll(userId);
    await this.sessions.revokeAll(userId, keptSessionId);
  }

  /** @param old the user with the address that they leave */
  private async leave(old: User): Promise<void> {
    const { id: userId, email } = old;
    const recipient = recipientOf(old);
    // What identity providers said of the old address is true of nobody here any more.
    await this.identities.endAll({ id: userId, ...recipient });
    // It was mailed to the old address.
    await this.pending.endAll(userId);
    // The kept answer of a registration would outlive the person, whom nothing leads back to this address.
    await this.idempotency.forget([registrantPrincipal(email)]);
    if (old.emailVerifiedAt !== null) await this.personalData.follow(toSummary(old));
    await this.mails.enqueue(accountMails.emailChanged, userId, recipient);
  }
}
