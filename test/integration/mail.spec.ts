import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Clock } from '#kernel';
import { Database } from '#platform/database';
import { DeliverMails, mailKind, MailQueue } from '#platform/mail';
import { Client } from 'pg';
import { SMTPServer } from 'smtp-server';
import { Mailer, MailRefusedError } from '../../libs/platform/src/mail/mailer.js';
import { TestApp } from '../support/test-app.js';

const greeting = mailKind<{ to: string; name: string }>('test.greeting');
const MAILBOX = '/dev/mailbox';

let api: TestApp;
let sql: Client;

beforeAll(async () => {
  api = await TestApp.start();
  sql = new Client({ connectionString: api.database.url });
  await sql.connect();
  api.app
    .get(MailQueue)
    .onCompose(greeting, ({ to, name }) =>
      Promise.resolve(name === '' ? undefined : { to, subject: 'Hello', text: `Hello, ${name}.` }),
    );
});

afterAll(async () => {
  await sql.end();
  await api.stop();
});

beforeEach(() => sql.query('DELETE FROM platform.mails'));

const ask = (to: string, name = 'Ada') => api.app.get(MailQueue).enqueue(greeting, to, { to, name });
const deliver = () => api.app.get(DeliverMails).execute();
const queued = async () =>
  (
    await sql.query<{ subject: string; attempts: number }>(
      'SELECT subject, attempts FROM platform.mails ORDER BY subject',
    )
  ).rows;

/** Texts of the mails to an address, newest first. */
async function mailsTo(address: string): Promise<string[]> {
  const { body } = await api.get(MAILBOX);
  return (body.data as { to: string; text: string }[])
    .filter(({ to }) => to === address)
    .map(({ text }) => text);
}

/** Runs `fn` while mail is sent by `send` instead. */
async function withMailer<T>(send: Mailer['send'], fn: () => Promise<T>): Promise<T> {
  const mailer = api.app.get(Mailer, { strict: false });
  const original = mailer.send.bind(mailer);
  mailer.send = send;
  try {
    return await fn();
  } finally {
    mailer.send = original;
  }
}

/** Runs `fn` while the application's clock is `ms` ahead. */
async function later<T>(ms: number, fn: () => Promise<T>): Promise<T> {
  const clock = api.app.get(Clock);
  const now = clock.now.bind(clock);
  clock.now = () => new Date(now().getTime() + ms);
  try {
    return await fn();
  } finally {
    clock.now = now;
  }
}

describe('queued mail', () => {
  it('is written and sent when its turn comes, once', async () => {
    await ask('once@example.com');
    expect(await mailsTo('once@example.com')).toEqual([]);
    expect(await deliver()).toBe(1);
    expect(await deliver()).toBe(0);
    expect(await mailsTo('once@example.com')).toEqual(['Hello, Ada.']);
    expect(await queued()).toEqual([]);
  });

  it('is asked for in the transaction of its cause, and goes with it', async () => {
    const database = api.app.get(Database);
    const failing = database.transaction(async () => {
      await ask('rolled.back@example.com');
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');
    expect(await deliver()).toBe(0);
  });

  it('is replaced by a later one of the same kind about the same subject', async () => {
    await ask('twice@example.com', 'Ada');
    await ask('twice@example.com', 'Grace');
    await deliver();
    expect(await mailsTo('twice@example.com')).toEqual(['Hello, Grace.']);
  });

  it('of a kind that keeps each is not replaced, and of many the first stay', async () => {
    const news = mailKind<{ text: string }>('test.news', { keepsEach: true });
    const queue = api.app.get(MailQueue);
    queue.onCompose(news, ({ text }) => Promise.resolve({ to: 'news@example.com', subject: 'News', text }));
    for (const text of ['one', 'two']) await queue.enqueue(news, 'news', { text });
    await deliver();
    expect((await mailsTo('news@example.com')).toSorted()).toEqual(['one', 'two']);

    const texts = Array.from({ length: 25 }, (_, index) => `flood ${index}`);
    for (const text of texts) await queue.enqueue(news, 'news', { text });
    await queue.enqueue(news, 'newspaper', { text: 'another subject' });
    await deliver();
    const sent = (await mailsTo('news@example.com')).slice(0, 21);
    expect(sent.toSorted()).toEqual([...texts.slice(0, 20), 'another subject'].toSorted());
  });

  it('is taken back with all that is told about a subject, and nothing else is', async () => {
    const news = mailKind<{ text: string }>('test.news', { keepsEach: true });
    const queue = api.app.get(MailQueue);
    for (const subject of ['a', 'a', 'a:b', 'ab', 'b']) await queue.enqueue(news, subject, { text: '' });
    for (const subject of ['a', 'a:b', 'ab', '%']) await ask(subject);
    await queue.withdrawAbout('a', '%');
    expect((await queued()).map(({ subject }) => subject.split(':')[0])).toEqual(['ab', 'ab', 'b']);
    await queue.withdraw(news, 'b');
    expect((await queued()).map(({ subject }) => subject.split(':')[0])).toEqual(['ab', 'ab']);
  });

  it('that was replaced while it was sent does not take the later one with it', async () => {
    await ask('replaced@example.com', 'Ada');
    const sent: string[] = [];
    let isFirst = true;
    await withMailer(async ({ text }) => {
      sent.push(text);
      if (isFirst) await ask('replaced@example.com', 'Grace');
      isFirst = false;
    }, deliver);
    expect(sent).toEqual(['Hello, Ada.', 'Hello, Grace.']);
    expect(await queued()).toEqual([]);
  });

  it('is not sent when there is nothing to tell any more, or when it is withdrawn', async () => {
    await ask('nothing@example.com', '');
    await ask('withdrawn@example.com');
    await api.app.get(MailQueue).withdraw(greeting, 'withdrawn@example.com');
    await deliver();
    expect([...(await mailsTo('nothing@example.com')), ...(await mailsTo('withdrawn@example.com'))]).toEqual(
      [],
    );
    expect(await queued()).toEqual([]);
  });

  it('is sent by one of many workers at once', async () => {
    const addresses = Array.from({ length: 60 }, (_, index) => `worker.${index}@example.com`);
    for (const address of addresses) await ask(address);
    const sent: string[] = [];
    await withMailer(
      ({ to }) => Promise.resolve(void sent.push(to)),
      () => Promise.all([deliver(), deliver(), deliver()]),
    );
    expect(sent.sort()).toEqual(addresses.sort());
  });

  it('that cannot be sent is tried again, less and less often, until it can', async () => {
    await ask('unlucky@example.com');
    const tries: number[] = [];
    const failAt = (second: number) => () => {
      tries.push(second);
      return Promise.reject(new Error('try later'));
    };
    for (const second of [0, 1, 4, 6, 10, 14, 17]) {
      await later(second * 1_000, () => withMailer(failAt(second), deliver));
    }
    expect(tries).toEqual([0, 6, 17]);
    expect(await queued()).toEqual([{ subject: 'unlucky@example.com', attempts: 3 }]);
    await later(60_000, deliver);
    expect(await mailsTo('unlucky@example.com')).toEqual(['Hello, Ada.']);
  });

  it('that hangs holds up nobody else', async () => {
    await ask('hangs@example.com');
    const release = Promise.withResolvers<undefined>();
    const others = Array.from({ length: 20 }, (_, index) => `other.${index}@example.com`);
    const sent: string[] = [];
    await withMailer(
      async ({ to }) => {
        if (to === 'hangs@example.com') return release.promise;
        sent.push(to);
        if (sent.length === others.length) release.resolve(undefined);
      },
      async () => {
        for (const address of others) await ask(address);
        await deliver();
      },
    );
    expect(sent.sort()).toEqual(others.sort());
    expect(await queued()).toEqual([]);
  });

  it('of a worker that died is sent when its lease has ended', async () => {
    await ask('orphan@example.com');
    await sql.query(
      `UPDATE platform.mails SET attempts = 1, next_attempt_at = now() + interval '90 seconds'`,
    );
    expect(await deliver()).toBe(0);
    await later(91_000, deliver);
    expect(await mailsTo('orphan@example.com')).toEqual(['Hello, Ada.']);
  });

  it.each([
    ['the server refuses for good', 0, () => new MailRefusedError(undefined)],
    ['could not be sent for a day', 86_400_001, () => new Error('try later')],
  ])('that %s is given up', async (_, ms, error) => {
    await ask('hopeless@example.com');
    await later(ms, () => withMailer(() => Promise.reject(error()), deliver));
    expect(await queued()).toEqual([]);
  });

  it('of a kind that nobody writes stays, and does not keep the others', async () => {
    await api.app.get(MailQueue).enqueue(mailKind('test.unknown'), 'unknown', {});
    await ask('known@example.com');
    await deliver();
    expect(await queued()).toEqual([{ subject: 'unknown', attempts: 1 }]);
    expect(await mailsTo('known@example.com')).toHaveLength(1);
  });
});

describe('the mailbox of developers', () => {
  it('shows the newest 200, newest first', async () => {
    for (let count = 0; count < 201; count += 1) await ask(`many.${count}@example.com`);
    while ((await deliver()) > 0);
    await ask('newest@example.com');
    await deliver();
    const answer = await api.get(MAILBOX);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(answer.body.data).toHaveLength(200);
    expect(answer.body.data[0]).toEqual({
      to: 'newest@example.com',
      subject: 'Hello',
      text: 'Hello, Ada.',
      sentAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  it('does not exist in production, where mail waits for a server', async () => {
    const production = await TestApp.start({ NODE_ENV: 'production' });
    try {
      expect((await production.get(MAILBOX)).status).toBe(404);
      const queue = production.app.get(MailQueue);
      queue.onCompose(greeting, () => Promise.resolve({ to: 'a@example.com', subject: 's', text: 't' }));
      await queue.enqueue(greeting, 'a@example.com', { to: 'a@example.com', name: 'Ada' });
      await production.app.get(DeliverMails).execute();
      const client = new Client({ connectionString: production.database.url });
      await client.connect();
      expect((await client.query('SELECT attempts FROM platform.mails')).rows).toEqual([{ attempts: 1 }]);
      await client.end();
    } finally {
      await production.stop();
    }
  });

  it('does not exist where others reach the process: it shows what logs anybody in', async () => {
    const shared = await TestApp.start({ HOST: '0.0.0.0' });
    try {
      expect((await shared.get(MAILBOX)).status).toBe(404);
    } finally {
      await shared.stop();
    }
  });

  it('does not exist where mail is sent by SMTP', async () => {
    const recipients: string[] = [];
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onData: (stream, { envelope }, done) => {
        recipients.push(...envelope.rcptTo.map(({ address }) => address));
        stream.on('end', done).resume();
      },
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.server.address() as AddressInfo;
    const shop = await TestApp.start({
      MAIL_SMTP_URL: `smtp://127.0.0.1:${port}`,
      MAIL_FROM: 'shop@example.com',
    });
    try {
      expect((await shop.get(MAILBOX)).status).toBe(404);
      const queue = shop.app.get(MailQueue);
      queue.onCompose(greeting, ({ to }) => Promise.resolve({ to, subject: 'Hello', text: 'Hello.' }));
      await queue.enqueue(greeting, 'ada@example.com', { to: 'ada@example.com', name: 'Ada' });
      await shop.app.get(DeliverMails).execute();
      expect(recipients).toEqual(['ada@example.com']);
    } finally {
      await shop.stop();
      await new Promise<void>((resolve) => server.close(resolve));
    }
  });
});
