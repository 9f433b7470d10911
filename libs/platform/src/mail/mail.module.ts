import { type DynamicModule, Global, Module, type Provider } from '@nestjs/common';
import { isLoopback, type Settings } from '../config/index.js';
import { DeliverMails } from './deliver-mails.js';
import { LocalMailbox } from './local-mailbox.js';
import { MailQueue } from './mail-queue.js';
import { MailboxController } from './mailbox.controller.js';
import { Mailer } from './mailer.js';
import { SmtpMailer } from './smtp-mailer.js';
import { StaffNotices } from './staff-notices.js';
import { UnconfiguredMailer } from './unconfigured-mailer.js';

const SMTP_TIMEOUT_MS = 10_000;

/**
 * Mail: by SMTP where it is configured, else into a mailbox that developers look into. Whoever sees that can log in as
 * anybody: in production, and where others reach the process, mail goes nowhere.
 */
@Global()
@Module({})
export class MailModule {
  static forRoot(settings: Settings): DynamicModule {
    const isPrivate = settings.NODE_ENV !== 'production' && isLoopback(settings.HOST);
    const keepsMail = settings.MAIL_SMTP_URL === undefined && isPrivate;
    return {
      module: MailModule,
      controllers: keepsMail ? [MailboxController] : [],
      providers: [MailQueue, StaffNotices, DeliverMails, ...mailerFor(settings, keepsMail)],
      exports: [MailQueue, StaffNotices, DeliverMails],
    };
  }
}

function mailerFor({ MAIL_SMTP_URL: url, MAIL_FROM: from = '' }: Settings, keepsMail: boolean): Provider[] {
  if (keepsMail) return [LocalMailbox, { provide: Mailer, useExisting: LocalMailbox }];
  if (url === undefined) return [{ provide: Mailer, useClass: UnconfiguredMailer }];
  return [{ provide: Mailer, useFactory: () => new SmtpMailer({ url, from, timeoutMs: SMTP_TIMEOUT_MS }) }];
}
