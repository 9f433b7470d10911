import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { MailRefusedError } from './mailer.js';
import { SmtpMailer } from './smtp-mailer.js';

const FROM = 'Shop <shop@example.com>';
const MAIL = { to: 'ada@example.com', subject: 'Grüße', text: 'Zwei Zeilen,\nund ein Punkt:\n.\n' };

interface Received {
  readonly from: string | undefined;
  readonly to: readonly string[];
  readonly message: string;
}

const closers: (() => unknown)[] = [];
const received: Received[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  received.length = 0;
});

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** A real SMTP server on a free port, which remembers what it takes. */
async function smtpServer(options: SMTPServerOptions = {}): Promise<string> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: (stream, { envelope }, done) => {
      void text(stream).then((message) => {
        const from = envelope.mailFrom === false ? undefined : envelope.mailFrom.address;
        received.push({ from, to: envelope.rcptTo.map(({ address }) => address), message });
        done();
      });
    },
    ...options,
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closers.push(() => new Promise<void>((resolve) => server.close(resolve)));
  return `127.0.0.1:${portOf(server.server)}`;
}

function mailer(url: string, timeoutMs = 5_000): SmtpMailer {
  const made = new SmtpMailer({ url, from: FROM, timeoutMs });
  closers.push(() => made.onModuleDestroy());
  return made;
}

describe('mail over SMTP', () => {
  it('reaches the server as it was written', async () => {
    await mailer(`smtp://${await smtpServer()}`).send(MAIL);
    expect(received).toMatchObject([{ from: 'shop@example.com', to: [MAIL.to] }]);
    const [{ message } = { message: '' }] = received;
    expect(message).toContain('From: Shop <shop@example.com>');
    expect(message).toContain('To: ada@example.com');
    expect(message).toContain(`Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=`);
  });

  it('logs in with what the URL holds', async () => {
    const logIns: string[] = [];
    const address = await smtpServer({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: ({ username, password }, _session, done) => {
        logIns.push(`${username} ${password}`);
        done(null, { user: username });
      },
    });
    await mailer(`smtp://shop:p%40ss@${address}`).send(MAIL);
    expect(logIns).toEqual(['shop p@ss']);
    expect(received).toHaveLength(1);
  });

  it('has one recipient, whatever the address looks like', async () => {
    const address = await smtpServer();
    await mailer(`smtp://${address}`)
      .send({ ...MAIL, to: 'ada@example.com, eve@example.com' })
      .catch(() => undefined);
    expect(received.flatMap(({ to }) => to)).not.toContain('eve@example.com');
  });

  it.each([
    ['a file', 'path', (_url: string) => fileURLToPath(import.meta.url)],
    ['an address', 'href', (url: string) => url],
  ] as const)('has no text that is read from %s of this machine', async (_, member, source) => {
    const asked: unknown[] = [];
    const inside = createHttpServer((request, response) => response.end(String(asked.push(request.url))));
    await once(inside.listen(0, '127.0.0.1'), 'listening');
    closers.push(() => inside.close());
    const text = { [member]: source(`http://127.0.0.1:${portOf(inside)}/`) } as unknown as string;
    const sending = mailer(`smtp://${await smtpServer()}`).send({ ...MAIL, text });
    await expect(sending).rejects.toThrow(/access rejected/i);
    expect([asked, received]).toEqual([[], []]);
  });

  it('is refused for good when the server says so of the recipient', async () => {
    const address = await smtpServer({
      onRcptTo: (_address, _session, done) =>
        done(Object.assign(new Error('No such mailbox'), { responseCode: 550 })),
    });
    await expect(mailer(`smtp://${address}`).send(MAIL)).rejects.toThrow(MailRefusedError);
  });

  it.each([
    ['greylists the recipient', 'onRcptTo', 450],
    ['is full', 'onMailFrom', 452],
  ] as const)('is worth another try when the server %s', async (_, step, responseCode) => {
    const busy = Object.assign(new Error('Later'), { responseCode });
    const address = await smtpServer({
      [step]: (_a: never, _s: never, done: (e: Error) => void) => done(busy),
    });
    const sending = mailer(`smtp://${address}`).send(MAIL);
    await expect(sending).rejects.not.toBeInstanceOf(MailRefusedError);
  });

  it('is worth another try when the log-in fails', async () => {
    const address = await smtpServer({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: (_auth, _session, done) => done(Object.assign(new Error('No'), { responseCode: 535 })),
    });
    const sending = mailer(`smtp://shop:wrong@${address}`).send(MAIL);
    await expect(sending).rejects.not.toBeInstanceOf(MailRefusedError);
  });

  it('fails in time when the server says nothing', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    closers.push(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    await expect(mailer(`smtp://127.0.0.1:${portOf(silent)}`, 100).send(MAIL)).rejects.toMatchObject({
      code: 'ETIMEDOUT',
    });
  });

  it('fails when nobody listens', async () => {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const port = portOf(server);
    await new Promise((resolve) => server.close(resolve));
    await expect(mailer(`smtp://127.0.0.1:${port}`).send(MAIL)).rejects.toMatchObject({ code: 'ESOCKET' });
  });
});
