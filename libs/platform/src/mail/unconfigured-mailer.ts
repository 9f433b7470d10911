import { Injectable } from '@nestjs/common';
import { Mailer } from './mailer.js';

/** Production without a mail server: every mail waits in the queue, and leaves if one is configured in time. */
@Injectable()
export class UnconfiguredMailer extends Mailer {
  override readonly isConfigured = false;

  override send(): Promise<void> {
    return Promise.reject(new Error('MAIL_SMTP_URL is not set, so no mail can be sent.'));
  }
}
