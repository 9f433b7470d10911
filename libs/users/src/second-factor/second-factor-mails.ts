import { Injectable, type OnModuleInit } from '@nestjs/common';
import { mailKind, MailQueue } from '#platform/mail';
import { letter, type Recipient, recipientOf } from '../letter.js';
import type { User } from '../user.row.js';

const IF_NOT_YOU = 'If that was not you, ask for a new password at once.';

/** What the owner of an account is told about its second factors. */
const NEWS = {
  totp_added: ['An authenticator app was added', 'Your account now asks for a code of an authenticator app.'],
  totp_removed: ['An authenticator app was removed', 'Your account no longer takes the codes of your app.'],
  passkey_added: ['A passkey was added', 'A passkey was added to your account and opens it from now on.'],
  passkey_removed: ['A passkey was removed', 'A passkey was removed from your account.'],
  recovery_code_used: [
    'A recovery code was used',
    'One of the recovery codes of your account was used. It is not good again; make new ones before you run out.',
  ],
  recovery_codes_replaced: [
    'Your recovery codes were replaced',
    'New recovery codes were made for your account. The old ones are not good any more.',
  ],
  reset: [
    'Your second factor was removed by our staff',
    'Your account asks for the password alone until you add a second factor again. Every device was logged out.',
  ],
} as const;
export type SecondFactorNews = keyof typeof NEWS;

const secondFactorMail = mailKind<Recipient & { news: SecondFactorNews }>('users.second_factor', {
  keepsEach: true,
});

/** Not the user alone, so that one piece of news does not take the place of another. */
const subjectOf = (userId: string, news: string): string => `${userId}:${news}`;

/** Tells people by mail what became of their second factors: whoever breaks in cannot do it in silence. */
@Injectable()
export class SecondFactorMails implements OnModuleInit {
  constructor(private readonly queue: MailQueue) {}

  onModuleInit(): void {
    this.queue.onCompose(secondFactorMail, ({ news, ...person }) => {
      const [subject, sentence] = NEWS[news];
      return Promise.resolve(letter(person, subject, [sentence, IF_NOT_YOU]));
    });
  }

  /** Asks for the mail, in the running transaction: to the address of now, for whoever breaks in may change it next. */
  async tell(user: User, news: SecondFactorNews): Promise<void> {
    await this.queue.enqueue(secondFactorMail, subjectOf(user.id, news), { ...recipientOf(user), news });
  }
}
