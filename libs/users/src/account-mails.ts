import { Injectable, type OnModuleInit } from '@nestjs/common';
import { newId } from '#kernel';
import { Config } from '#platform/config';
import { type Mail, mailLink, MailQueue } from '#platform/mail';
import { accountMails } from './account-mail-kinds.js';
import { AccountTokens, TOKEN_LIFETIME_MINUTES, type TokenPurpose } from './account-tokens.js';
import { letter, recipientOf } from './letter.js';
import type { User } from './user.row.js';
import { UsersService } from './users.service.js';

/** Where the front-end takes the token of each purpose. */
const PAGES: Readonly<Record<TokenPurpose, string>> = {
  verify_email: 'verify-email',
  reset_password: 'reset-password',
  change_email: 'confirm-email-change',
};

const CONFIRM = 'To confirm the address, with the password that was chosen then';
const IF_NOT_REGISTERED =
  'If you did not register, ignore this mail: nobody confirms the address without both. To have the address for an ' +
  'account of your own, choose a new password (“forgot password”): it locks out whoever registered.';
const SECOND_FACTOR_GONE =
  'A second factor had been added before anybody confirmed this e-mail address. It was removed.';

/** Writes the mails of accounts when they leave, from what is so by then. */
@Injectable()
export class AccountMails implements OnModuleInit {
  constructor(
    private readonly queue: MailQueue,
    private readonly users: UsersService,
    private readonly tokens: AccountTokens,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.queue.onCompose(accountMails.verifyEmail, ({ email, mailId }) => this.verifyEmail(email, mailId));
    this.queue.onCompose(accountMails.verifyMoved, ({ email, mailId }) => this.verifyMoved(email, mailId));
    this.queue.onCompose(accountMails.addressTaken, ({ email, mailId }) => this.addressTaken(email, mailId));
    this.queue.onCompose(accountMails.resetPassword, ({ email, mailId }) =>
      this.resetPassword(email, mailId),
    );
    this.queue.onCompose(accountMails.changeEmail, ({ userId, email, mailId }) =>
      this.changeEmail(userId, email, mailId),
    );
    this.queue.onCompose(accountMails.passwordChanged, ({ email, name, hadSecondFactor = false }) =>
      Promise.resolve(
        letter({ email, name }, 'Your password was changed', [
          'The password of your account was changed, and every other device was logged out.',
          ...(hadSecondFactor ? [SECOND_FACTOR_GONE] : []),
          'If that was not you, ask for a new password at once.',
        ]),
      ),
    );
    this.queue.onCompose(accountMails.identityLinked, ({ email, name, issuer }) =>
      Promise.resolve(
        letter({ email, name }, 'A log-in elsewhere opens your account', [
          `Your log-in at ${issuer} opens your account from now on.`,
          'If that was not you, ask for a new password at once: it ends that.',
        ]),
      ),
    );
    this.queue.onCompose(accountMails.identitiesEnded, ({ email, name, issuers }) =>
      Promise.resolve(
        letter({ email, name }, 'A log-in elsewhere no longer opens your account', [
          `Your log-in at ${issuers.join(', ')} does not open your account any more: that ends with a new password, ` +
            'another address, a second factor or a role among our staff, and when you say so.',
          'If you did none of that, ask for a new password at once.',
        ]),
      ),
    );
    this.queue.onCompose(accountMails.emailChanged, ({ email, name }) =>
      Promise.resolve(
        letter({ email, name }, 'Your e-mail address was changed', [
          'Your account belongs to another e-mail address from now on.',
          'If that was not you, answer to this mail at once.',
        ]),
      ),
    );
    this.queue.onCompose(accountMails.erased, ({ email, name }) =>
      Promise.resolve(
        letter({ email, name }, 'Your account was erased', [
          'Your account is gone for good, and so are your name and address wherever we held them.',
          'This is our last mail to you. If you did not ask for this, answer to it at once.',
        ]),
      ),
    );
  }

  private async verifyEmail(email: string, mailId?: string): Promise<Mail | undefined> {
    const user = await this.users.findByEmail(email);
    if (!user || user.emailVerifiedAt) return undefined;
    const token = await this.tokenLines('verify_email', user, email, mailId, CONFIRM);
    if (!token) return undefined;
    return letter(recipientOf(user), 'Confirm your e-mail address', [
      'Somebody, probably you, registered with this e-mail address.',
      ...token,
      IF_NOT_REGISTERED,
    ]);
  }

  private async verifyMoved(email: string, mailId?: string): Promise<Mail | undefined> {
    const user = await this.users.findByEmail(email);
    if (!user || user.emailVerifiedAt) return undefined;
    const aim = 'To confirm the address, with the password of the account';
    const token = await this.tokenLines('verify_email', user, email, mailId, aim);
    if (!token) return undefined;
    return letter(recipientOf(user), 'Confirm the new e-mail address of your account', [
      'Our staff have put this e-mail address in the place of the one that your account had before.',
      ...token,
      'If you have no account with us, or did not ask for this, answer to this mail at once.',
    ]);
  }

  /** Whoever registers with an address that waits may be its owner, whom a stranger has forestalled: both ways go on. */
  private async waitsAlready(user: User, mailId?: string): Promise<Mail | undefined> {
    const { email } = user;
    const confirmation = await this.tokenLines('verify_email', user, email, mailId, CONFIRM);
    const reset = await this.tokenLines('reset_password', user, email, mailId, 'To choose a new password');
    if (!confirmation && !reset) return undefined;
    return letter(recipientOf(user), 'Confirm your e-mail address, or choose a new password', [
      'Somebody, probably you, registered with this e-mail address again. The password is still the first one.',
      ...(confirmation ?? []),
      'If you do not know it, or somebody else was the first, choose a new one: it locks out whoever had the old one.',
      ...(reset ?? []),
      'If that was not you, ignore this mail.',
    ]);
  }

  private async addressTaken(email: string, mailId?: string): Promise<Mail | undefined> {
    const user = await this.users.findByEmail(email);
    if (!user) return undefined;
    if (!user.emailVerifiedAt) return this.waitsAlready(user, mailId);
    return letter(recipientOf(user), 'You have an account already', [
      'Somebody, probably you, tried to register with this e-mail address, which has an account already.',
      'Log in with your password, or ask for a new one. If that was not you, ignore this mail.',
    ]);
  }

  private async resetPassword(email: string, mailId?: string): Promise<Mail | undefined> {
    const user = await this.users.findByEmail(email);
    if (!user) return undefined;
    const token = await this.tokenLines('reset_password', user, email, mailId, 'To choose one');
    if (!token) return undefined;
    return letter(recipientOf(user), 'Choose a new password', [
      'Somebody, probably you, asked for a new password.',
      ...token,
      'If that was not you, ignore this mail: your password stays as it is.',
    ]);
  }

  private async changeEmail(userId: string, email: string, mailId?: string): Promise<Mail | undefined> {
    const user = await this.users.find(userId);
    if (!user) return undefined;
    const aim = 'To confirm that, with your password';
    const token = await this.tokenLines('change_email', user, email, mailId, aim);
    if (!token) return undefined;
    return letter({ email, name: null }, 'Confirm your new e-mail address', [
      'Your account is to belong to this e-mail address.',
      ...token,
      'If that was not you, ignore this mail.',
    ]);
  }

  /** Undefined while as many mails as there may be hold a token that is good. */
  private async tokenLines(
    purpose: TokenPurpose,
    { id: userId }: User,
    email: string,
    mailId: string | undefined,
    aim: string,
  ): Promise<string[] | undefined> {
    const token = await this.tokens.issue(purpose, { userId, email }, mailId ?? newId());
    if (token === undefined) return undefined;
    const link = mailLink(this.config.settings.MAIL_LINKS_URL, PAGES[purpose], token);
    return link === undefined
      ? [`${aim}, use this token within ${TOKEN_LIFETIME_MINUTES} minutes:`, token]
      : [`${aim}, open this within ${TOKEN_LIFETIME_MINUTES} minutes:`, link];
  }
}
