import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { createTransport, type Transporter } from 'nodemailer';
import { type Mail, Mailer, MailRefusedError } from './mailer.js';

export interface SmtpOptions {
  /** `smtp://user:password@host:port`, or `smtps://` for TLS from the first byte. */
  readonly url: string;
  /** The sender, as it stands in `From`. */
  readonly from: string;
  /** Longest wait for each step of the conversation with the server. */
  readonly timeoutMs: number;
}

/** Connections that stay open between mails. */
const MAX_CONNECTIONS = 4;

/** Codes of 500 and more are final (RFC 5321, 4.2.1). */
const FIRST_FINAL_CODE = 500;

/** Sends over SMTP. Where the server offers STARTTLS, nothing is said in the clear. */
@Injectable()
export class SmtpMailer extends Mailer implements OnModuleDestroy {
  private readonly transport: Transporter;

  constructor({ url, from, timeoutMs }: SmtpOptions) {
    super();
    this.transport = createTransport(
      {
        url,
        pool: true,
        maxConnections: MAX_CONNECTIONS,
        connectionTimeout: timeoutMs,
        greetingTimeout: timeoutMs,
        socketTimeout: timeoutMs,
        dnsTimeout: timeoutMs,
        // A text from a queue must never read a file or an address of this machine.
        disableFileAccess: true,
        disableUrlAccess: true,
      },
      { from },
    );
  }

  override async send(mail: Mail): Promise<void> {
    try {
      // As an address and not as text, so that nothing in it can become a second recipient.
      await this.transport.sendMail({ ...mail, to: { name: '', address: mail.to } });
    } catch (error) {
      const { code, responseCode = 0 } = error as { code?: string; responseCode?: number };
      // Other final codes, such as those of a failed log-in, are about us and not about this mail.
      if (code === 'EENVELOPE' && responseCode >= FIRST_FINAL_CODE) throw new MailRefusedError(error);
      throw error;
    }
  }

  onModuleDestroy(): void {
    this.transport.close();
  }
}
