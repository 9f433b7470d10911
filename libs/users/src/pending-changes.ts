import { Injectable } from '@nestjs/common';
import { MailQueue } from '#platform/mail';
import { accountMails } from './account-mail-kinds.js';
import { AccountTokens } from './account-tokens.js';
import { SecondFactors } from './second-factor/second-factors.js';

/** What a user, or whoever knew their password, has begun with an account and not brought to its end. */
@Injectable()
export class PendingChanges {
  constructor(
    private readonly mails: MailQueue,
    private readonly tokens: AccountTokens,
    private readonly secondFactors: SecondFactors,
  ) {}

  /** Ends all of it, in a transaction in which nobody begins more for this user. */
  async endAll(userId: string): Promise<void> {
    // First: it waits for a mail that is being written, whose token is there to be ended after that.
    await this.mails.withdraw(accountMails.changeEmail, userId);
    await this.tokens.endAll(userId);
    await this.secondFactors.endPending(userId);
  }
}
