import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

/** A mail that was taken. */
export interface ReceivedMail {
  readonly to: string;
  readonly subject: string;
}

/** A real SMTP server, which takes every mail and remembers whom it was for and what it was about. */
export class MailServer {
  received: ReceivedMail[] = [];

  private constructor(
    private readonly server: SMTPServer,
    readonly url: string,
  ) {}

  static async start(): Promise<MailServer> {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onData: (stream, { envelope }, done) => {
        void text(stream).then((message) => {
          const subject = /^Subject: (.*)$/m.exec(message)?.[1]?.trim() ?? '';
          for (const { address } of envelope.rcptTo) mails.received.push({ to: address, subject });
          done();
        }, done);
      },
    });
    // Whoever sent a mail was killed.
    server.on('error', () => undefined);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const mails = new MailServer(server, `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`);
    return mails;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.server.close(resolve));
  }
}
