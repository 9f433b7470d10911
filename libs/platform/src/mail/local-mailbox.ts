import { Injectable } from '@nestjs/common';
import { Clock } from '#kernel';
import { type Mail, Mailer } from './mailer.js';

export interface KeptMail extends Mail {
  readonly sentAt: string;
}

const MAX_KEPT = 200;

/** Mail that goes nowhere: the latest is kept in memory for `GET /dev/mailbox`, for whoever tries the system. */
@Injectable()
export class LocalMailbox extends Mailer {
  private readonly mails: KeptMail[] = [];

  constructor(private readonly clock: Clock) {
    super();
  }

  override send({ to, subject, text }: Mail): Promise<void> {
    this.mails.unshift({ to, subject, text, sentAt: this.clock.now().toISOString() });
    this.mails.splice(MAX_KEPT);
    return Promise.resolve();
  }

  /** At most 200. */
  newestFirst(): readonly KeptMail[] {
    return [...this.mails];
  }
}
