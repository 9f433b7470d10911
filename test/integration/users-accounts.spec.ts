import { newId } from '#kernel';
import { OutboxRelay } from '#platform/messaging';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { Mailer } from '../../libs/platform/src/mail/mailer.js';
import { AccountTokens } from '../../libs/users/src/account-tokens.js';
import { Passwords } from '../../libs/users/src/passwords.js';
import { OpenTransaction } from '../support/open-transaction.js';
import { SecondFactorFixture } from '../support/second-factor-fixture.js';
import type { Answer } from '../support/test-app.js';
import {
  CONFIRM_EMAIL_CHANGE,
  DEMO_PASSWORD,
  EMAIL_CHANGE,
  FORGOT_PASSWORD,
  LOGIN,
  ME,
  PASSWORD,
  registration,
  RESEND_VERIFICATION,
  RESET_PASSWORD,
  type SignedIn,
  USERS,
  UsersFixture,
  VERIFY_EMAIL,
} from '../support/users-fixture.js';

const NEW_PASSWORD = 'another horse battery';
const QUARTER_HOUR_MS = 900_000;

let users: UsersFixture;

beforeAll(async () => {
  users = await UsersFixture.start();
});

afterAll(() => users.stop());

const newAddress = () => `${newId()}@example.com`;
const isVerified = async (token: string) =>
  (await users.app.get(ME, { token })).body.emailVerified as boolean;

/** The changes that the events of a user tell, oldest first. */
async function changesOf(userId: string): Promise<string[][]> {
  const { rows } = await users.sql.query<{ changed: string[] }>(
    `SELECT data -> 'changed' AS changed FROM platform.outbox
      WHERE aggregate_id = $1 AND sequence > 1 ORDER BY sequence`,
    [userId],
  );
  return rows.map(({ changed }) => changed);
}

/** Asks for a token of this kind for somebody new, and returns it with them. */
const REQUESTS = {
  async verify_email() {
    const user = await users.registered();
    await users.app.post(RESEND_VERIFICATION, { email: user.email });
    return { user, token: await users.tokenFor(user.email) };
  },
  async reset_password() {
    const user = await users.registered();
    await users.app.post(FORGOT_PASSWORD, { email: user.email });
    return { user, token: await users.tokenFor(user.email) };
  },
  async change_email() {
    const user = await users.registered();
    const email = newAddress();
    await users.app.post(EMAIL_CHANGE, { email, password: PASSWORD }, { token: user.token });
    return { user, token: await users.tokenFor(email) };
  },
};
const USES = {
  verify_email: (token: string, password = PASSWORD) => users.app.post(VERIFY_EMAIL, { token, password }),
  reset_password: (token: string) => users.app.post(RESET_PASSWORD, { token, password: NEW_PASSWORD }),
  change_email: (token: string, password = PASSWORD) =>
    users.app.post(CONFIRM_EMAIL_CHANGE, { token, password }),
};
type Purpose = keyof typeof USES;
const PURPOSES = Object.keys(USES) as Purpose[];

/** Has every mail be due: a moment ago, for the column rounds to milliseconds, also upwards. */
const DUE = `UPDATE platform.mails SET next_attempt_at = now() - interval '1 second'`;

describe('a mailed token', () => {
  it.each(PURPOSES)('is good once: %s', async (purpose) => {
    const { token } = await REQUESTS[purpose]();
    expect((await USES[purpose](token)).status).toBe(204);
    await users.expectRefusal(() => USES[purpose](token), 400, 'invalid_or_expired_token');
  });

  it.each(PURPOSES)('is good for one of five calls at once: %s', async (purpose) => {
    const { token } = await REQUESTS[purpose]();
    // More that bring a password are paused.
    const answers = await Promise.all(Array.from({ length: 5 }, () => USES[purpose](token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 400, 400, 400, 400]);
  });

  it.each(PURPOSES)('lives for a quarter of an hour: %s', async (purpose) => {
    const [late, early] = [await REQUESTS[purpose](), await REQUESTS[purpose]()];
    await users.later(QUARTER_HOUR_MS + 1_000, () =>
      users.expectRefusal(() => USES[purpose](late.token), 400, 'invalid_or_expired_token'),
    );
    await users.later(QUARTER_HOUR_MS - 5_000, async () => {
      expect((await USES[purpose](early.token)).status).toBe(204);
    });
  });

  it.each(
    PURPOSES.flatMap((purpose) =>
      PURPOSES.filter((other) => other !== purpose).map((other) => [purpose, other] as const),
    ),
  )('for %s is no token for %s', async (purpose, other) => {
    const { token } = await REQUESTS[purpose]();
    await users.expectRefusal(() => USES[other](token), 400, 'invalid_or_expired_token');
    expect((await USES[purpose](token)).status).toBe(204);
  });

  it.each(PURPOSES)('is none when it is any other text: %s', async (purpose) => {
    for (const token of ['x', 'A'.repeat(43), 'A'.repeat(512), '\u0000\ud800', "' OR 1=1 --"]) {
      await users.expectRefusal(() => USES[purpose](token), 400, 'invalid_or_expired_token');
    }
  });

  it.each(PURPOSES)('that is none costs no hash of a password: %s', async (purpose) => {
    const passwords = users.app.app.get(Passwords);
    const spies = [jest.spyOn(passwords, 'hash'), jest.spyOn(passwords, 'verify')];
    await users.expectRefusal(() => USES[purpose]('A'.repeat(43)), 400, 'invalid_or_expired_token');
    for (const spy of spies) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  it.each(['verify_email', 'change_email'] as const)(
    'confirms nothing without the password, and is not spent by a wrong one: %s',
    async (purpose) => {
      const { token } = await REQUESTS[purpose]();
      await users.expectRefusal(() => USES[purpose](token, NEW_PASSWORD), 403, 'wrong_password');
      expect((await USES[purpose](token)).status).toBe(204);
    },
  );

  it.each<[Purpose, string]>([
    ['verify_email', RESEND_VERIFICATION],
    ['reset_password', FORGOT_PASSWORD],
  ])('stays good when strangers ask for more, of which five are mailed: %s', async (purpose, path) => {
    const { user, token } = await REQUESTS[purpose]();
    for (let request = 0; request < 8; request += 1) {
      expect((await users.app.post(path, { email: user.email })).status).toBe(202);
      await users.mailsTo(user.email);
    }
    const mails = await users.mailsTo(user.email);
    expect(mails).toHaveLength(5);
    await users.later(QUARTER_HOUR_MS + 1_000, async () => {
      await users.app.post(path, { email: user.email });
      expect(await users.mailsTo(user.email)).toHaveLength(6);
    });
    expect((await USES[purpose](token)).status).toBe(204);
  });

  it('ends with the use of another one for the same purpose', async () => {
    const { user, token } = await REQUESTS.reset_password();
    await users.app.post(FORGOT_PASSWORD, { email: user.email });
    const tokens = (await users.mailsTo(user.email)).map(({ text }) => /^[\w-]{43}$/m.exec(text)![0]);
    expect(new Set(tokens).size).toBe(2);
    expect((await USES.reset_password(token)).status).toBe(204);
    for (const spent of tokens) {
      await users.expectRefusal(() => USES.reset_password(spent), 400, 'invalid_or_expired_token');
    }
  });

  it('is counted once, however often its mail is attempted', async () => {
    const { user } = await REQUESTS.reset_password();
    await users.app.post(FORGOT_PASSWORD, { email: user.email });
    const send = jest.spyOn(users.app.app.get(Mailer, { strict: false }), 'send');
    try {
      send.mockRejectedValue(new Error('The mail server is away.'));
      for (let attempt = 0; attempt < 6; attempt += 1) {
        await users.sql.query(DUE);
        await users.mailsTo(user.email);
      }
      expect(send).toHaveBeenCalledTimes(6);
    } finally {
      send.mockRestore();
    }
    await users.sql.query(DUE);
    expect(await users.mailsTo(user.email)).toHaveLength(2);
  });

  it('sets no password once the account has left the address to which it was mailed', async () => {
    const { user, token } = await REQUESTS.reset_password();
    // As when the mail was being written while the account moved, so that nothing ended its token.
    await users.sql.query('UPDATE users.users SET email = $2 WHERE id = $1', [
      user.id,
      `moved-${user.email}`,
    ]);
    await users.expectRefusal(() => USES.reset_password(token), 400, 'invalid_or_expired_token');
  });

  it('that ends while what it allows is made ready allows nothing', async () => {
    const { token } = await REQUESTS.reset_password();
    const tokens = users.app.app.get(AccountTokens, { strict: false });
    await users.later(QUARTER_HOUR_MS + 1_000, () =>
      expect(tokens.spend('reset_password', token)).rejects.toMatchObject({
        code: 'invalid_or_expired_token',
      }),
    );
    await tokens.spend('reset_password', token);
  });

  it('is stored as its hash alone, and is in no queue and no event', async () => {
    const { token } = await REQUESTS.reset_password();
    const { rows } = await users.sql.query<{ t: string }>(
      `SELECT concat((SELECT json_agg(t) FROM users.tokens t), (SELECT json_agg(m) FROM platform.mails m),
                     (SELECT json_agg(o) FROM platform.outbox o)) AS t`,
    );
    expect(rows[0]!.t).not.toContain(token);
    expect(rows[0]!.t).not.toContain(Buffer.from(token).toString('hex'));
  });
});

describe('the confirmation of an address', () => {
  it('shows in the profile, as one change', async () => {
    const { user, token } = await REQUESTS.verify_email();
    expect(await isVerified(user.token)).toBe(false);
    expect((await USES.verify_email(token)).status).toBe(204);
    expect(await isVerified(user.token)).toBe(true);
    expect(await changesOf(user.id)).toEqual([['emailVerified']]);
  });

  it('is asked for again without an answer that tells anything, and without mail where there is nothing to confirm', async () => {
    const unknown = newAddress();
    const answers = [unknown, 'customer@example.com', (await users.registered()).email].map((email) =>
      users.app.post(RESEND_VERIFICATION, { email }),
    );
    for (const answer of await Promise.all(answers)) {
      expect([answer.status, answer.body]).toEqual([202, { status: 'verification_sent' }]);
    }
    expect(await users.mailsTo(unknown)).toEqual([]);
    expect(await users.mailsTo('customer@example.com')).toEqual([]);
  });

  it('does not confirm the address that came after', async () => {
    const { user, token } = await REQUESTS.verify_email();
    const email = newAddress();
    await users.sql.query('UPDATE users.users SET email = $2 WHERE id = $1', [user.id, email]);
    await users.expectRefusal(() => USES.verify_email(token), 400, 'invalid_or_expired_token');
  });

  it('is nobody’s errand by default: a registration sends no mail', async () => {
    const { email } = await users.registered();
    expect(await users.mailsTo(email)).toEqual([]);
  });
});

describe('a forgotten password', () => {
  it('is replaced; every session ends, and the owner is told', async () => {
    const { user, token } = await REQUESTS.reset_password();
    const other = await users.signIn(user.email, PASSWORD);
    expect((await USES.reset_password(token)).status).toBe(204);
    for (const { refreshToken } of [user, other]) {
      await users.expectRefusal(() => users.refresh(refreshToken), 401, 'invalid_refresh_token');
    }
    const { email } = user;
    await users.expectRefusal(
      () => users.app.post(LOGIN, { email, password: PASSWORD }),
      401,
      'invalid_credentials',
    );
    const back = await users.signIn(email, NEW_PASSWORD);
    expect(await isVerified(back.token)).toBe(true);
    expect(await changesOf(user.id)).toEqual([['emailVerified', 'password']]);
    const [newest] = await users.mailsTo(email);
    expect(newest!.subject).toBe('Your password was changed');
  });

  it('ends a change of the address that somebody else may have begun', async () => {
    const { user, token } = await REQUESTS.reset_password();
    const [mailed, queued] = [newAddress(), newAddress()];
    await users.app.post(EMAIL_CHANGE, { email: mailed, password: PASSWORD }, { token: user.token });
    const change = await users.tokenFor(mailed);
    await users.app.post(EMAIL_CHANGE, { email: queued, password: PASSWORD }, { token: user.token });
    expect((await USES.reset_password(token)).status).toBe(204);
    await users.expectRefusal(() => USES.change_email(change), 400, 'invalid_or_expired_token');
    expect(await users.mailsTo(queued)).toEqual([]);
  });

  it('ends a change of the address whose mail is being written at that moment', async () => {
    const { user, token } = await REQUESTS.reset_password();
    const email = newAddress();
    await users.app.post(EMAIL_CHANGE, { email, password: PASSWORD }, { token: user.token });
    const writer = await OpenTransaction.begin(users.app);
    await writer.query(
      `SELECT FROM platform.mails WHERE kind = 'users.change_email' AND subject = $1 FOR UPDATE`,
      [user.id],
    );
    const reset = USES.reset_password(token);
    await writer.hasWaiter();
    await writer.query(
      `INSERT INTO users.tokens
       VALUES ($1, 'change_email', sha256('mailed'), $2, now() + interval '1 minute', uuidv7())`,
      [user.id, email],
    );
    await writer.commit();
    expect((await reset).status).toBe(204);
    await users.expectRefusal(
      () => USES.change_email('mailed', NEW_PASSWORD),
      400,
      'invalid_or_expired_token',
    );
  });

  it('is asked for without an answer that tells whether there is an account', async () => {
    const unknown = newAddress();
    for (const email of [unknown, 'customer@example.com']) {
      const answer = await users.app.post(FORGOT_PASSWORD, { email });
      expect([answer.status, answer.body]).toEqual([202, { status: 'reset_sent' }]);
    }
    expect(await users.mailsTo(unknown)).toEqual([]);
    expect((await users.mailsTo('customer@example.com'))[0]!.subject).toBe('Choose a new password');
  });

  it('leaves no session that is opened with the old one at the same time', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { user, token } = await REQUESTS.reset_password();
      const { email } = user;
      await Promise.all([
        USES.reset_password(token),
        ...Array.from({ length: 10 }, () => users.app.post(LOGIN, { email, password: PASSWORD })),
      ]);
      const { rows } = await users.sql.query(
        'SELECT id FROM users.sessions WHERE user_id = $1 AND revoked_at IS NULL',
        [user.id],
      );
      expect(rows).toEqual([]);
    }
  });
});

describe('a change of the password', () => {
  const CHANGE = `${ME}/password`;
  const change = (token: string, currentPassword = PASSWORD, password = 'another horse battery') =>
    users.app.call('PUT', CHANGE, { token, body: { currentPassword, password } });

  it('leaves the session that made it, ends all else that opens the account, and is told', async () => {
    const user = await users.registered();
    const other = await users.signIn(user.email, PASSWORD);
    await users.app.post(FORGOT_PASSWORD, { email: user.email });
    const mailed = await users.tokenFor(user.email);
    const address = `${newId()}@example.com`;
    await users.app.post(EMAIL_CHANGE, { email: address, password: PASSWORD }, { token: user.token });
    expect((await change(user.token)).status).toBe(204);
    expect((await users.app.get(ME, { token: user.token })).status).toBe(200);
    await users.refreshed(user.refreshToken);
    expect((await users.refresh(other.refreshToken)).status).toBe(401);
    const reset = { token: mailed, password: 'a third horse battery' };
    expect((await users.app.post(RESET_PASSWORD, reset)).body.code).toBe('invalid_or_expired_token');
    expect(await users.mailsTo(address)).toEqual([]);
    expect((await users.mailsTo(user.email))[0]).toMatchObject({ subject: 'Your password was changed' });
    expect((await users.app.post(LOGIN, { email: user.email, password: PASSWORD })).status).toBe(401);
    await users.signIn(user.email, 'another horse battery');
  });

  it('takes the password as it is, and none that is easy to guess', async () => {
    const { token, email } = await users.registered();
    const field = { pointer: '/password', code: 'too_guessable' };
    await users.expectRefusal(() => change(token, 'wrong horse battery'), 403, 'wrong_password');
    await users.expectRefusal(() => change(token, PASSWORD, email), 400, 'validation_failed', field);
    await users.expectRefusal(() => change(token, PASSWORD, 'password123'), 400, 'validation_failed', field);
  });

  it('is made once of any number at once', async () => {
    const { token, email } = await users.registered();
    const wishes = ['first horse battery', 'second horse battery', 'third horse battery'];
    const statuses = (await Promise.all(wishes.map((wish) => change(token, PASSWORD, wish)))).map(
      ({ status }) => status,
    );
    expect(statuses.toSorted()).toEqual([204, 403, 403]);
    await users.signIn(email, wishes[statuses.indexOf(204)]!);
  });
});

describe('a password that is easy to guess', () => {
  const told = [
    {
      pointer: '/password',
      code: 'too_guessable',
      detail: 'Too easy to guess: a common password, a pattern, or your address or name.',
    },
  ];

  it.each(['password123', 'the address'])(
    'is refused in the same words wherever it is chosen: %s',
    async (kind) => {
      const { user, token } = await REQUESTS.reset_password();
      const chosen = (email: string) => (kind === 'password123' ? kind : email);
      const person = registration();
      const answers = [
        await users.app.post(USERS, { ...person, password: chosen(person.email) }),
        await users.app.post(RESET_PASSWORD, { token, password: chosen(user.email) }),
        await users.app.call('PUT', `${ME}/password`, {
          token: user.token,
          body: { currentPassword: PASSWORD, password: chosen(user.email) },
        }),
      ];
      expect(answers.map(({ status, body }): unknown[] => [status, body.errors])).toEqual(
        answers.map(() => [400, told]),
      );
    },
  );
});

describe('a change of the address', () => {
  it('is none to the address that the account has', async () => {
    const { token, email } = await users.registered();
    await users.expectRefusal(
      () => users.app.post(EMAIL_CHANGE, { email, password: PASSWORD }, { token }),
      409,
      'email_unchanged',
    );
  });

  it('happens when the new one is confirmed; the old one is told', async () => {
    const user = await users.registered();
    const email = newAddress();
    const asked = await users.app.post(EMAIL_CHANGE, { email, password: PASSWORD }, { token: user.token });
    expect([asked.status, asked.body]).toEqual([202, { status: 'confirmation_sent' }]);
    const token = await users.tokenFor(email);
    expect((await users.app.get(ME, { token: user.token })).body.email).toBe(user.email);

    expect((await USES.change_email(token)).status).toBe(204);
    expect((await users.app.get(ME, { token: user.token })).body).toMatchObject({
      email,
      emailVerified: true,
    });
    expect(await changesOf(user.id)).toEqual([['email', 'emailVerified']]);
    await users.signIn(email, PASSWORD);
    const { email: old } = user;
    await users.expectRefusal(
      () => users.app.post(LOGIN, { email: old, password: PASSWORD }),
      401,
      'invalid_credentials',
    );
    const [told] = await users.mailsTo(old);
    expect(told!.subject).toBe('Your e-mail address was changed');
    expect(told!.text).not.toContain(email);
    expect((await users.refresh(user.refreshToken)).status).toBe(200);
  });

  it('is told to each address that the account leaves, though a mail server takes its time', async () => {
    const user = await users.registered();
    const [next, last] = [newAddress(), newAddress()];
    const mailer = users.app.app.get(Mailer, { strict: false });
    const deliver = mailer.send.bind(mailer);
    const send = jest.spyOn(mailer, 'send').mockImplementation(async (mail) => {
      if (mail.to === user.email) throw Object.assign(new Error('Greylisted'), { responseCode: 451 });
      await deliver(mail);
    });
    try {
      for (const email of [next, last]) {
        await users.app.post(EMAIL_CHANGE, { email, password: PASSWORD }, { token: user.token });
        expect((await USES.change_email(await users.tokenFor(email))).status).toBe(204);
        await users.mailsTo(user.email);
      }
    } finally {
      send.mockRestore();
    }
    await users.sql.query(DUE);
    for (const left of [user.email, next]) {
      const subjects = (await users.mailsTo(left)).map(({ subject }) => subject);
      expect(subjects).toContain('Your e-mail address was changed');
    }
  });

  it('takes the password', async () => {
    const body = { email: newAddress(), password: 'not the password' };
    await users.expectRefusal(
      () => users.app.post(EMAIL_CHANGE, body, { token: users.customer.token }),
      403,
      'wrong_password',
    );
  });

  it('is refused at its end when somebody has the address by then, and not told before', async () => {
    const user = await users.registered();
    const email = newAddress();
    await users.app.post(EMAIL_CHANGE, { email, password: PASSWORD }, { token: user.token });
    const token = await users.tokenFor(email);
    await users.registered({ email });
    await users.expectRefusal(() => USES.change_email(token), 409, 'email_taken');
  });

  it('goes to one of two users who confirm the same address at once', async () => {
    const email = newAddress();
    const tokens: string[] = [];
    for (let count = 0; count < 2; count += 1) {
      const { token } = await users.registered();
      await users.app.post(EMAIL_CHANGE, { email, password: PASSWORD }, { token });
      tokens.push(await users.tokenFor(email));
    }
    const answers = await Promise.all(tokens.map((token) => USES.change_email(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 409]);
  });

  it('goes to the address that was asked for last', async () => {
    const user = await users.registered();
    const [first, last] = [newAddress(), newAddress()];
    for (const email of [first, last]) {
      await users.app.post(EMAIL_CHANGE, { email, password: PASSWORD }, { token: user.token });
    }
    expect(await users.mailsTo(first)).toEqual([]);
    expect((await USES.change_email(await users.tokenFor(last))).status).toBe(204);
  });

  it('ends the tokens that were mailed to the old one', async () => {
    const { user, token } = await REQUESTS.reset_password();
    const email = newAddress();
    await users.app.post(EMAIL_CHANGE, { email, password: PASSWORD }, { token: user.token });
    await USES.change_email(await users.tokenFor(email));
    await users.expectRefusal(() => USES.reset_password(token), 400, 'invalid_or_expired_token');
  });
});

describe('where addresses may be confirmed', () => {
  it('one that staff have put there is asked for its proof in words of its own', async () => {
    const shop = await UsersFixture.start({ USERS_EMAIL_VERIFICATION: 'optional' });
    try {
      const { id, token } = await shop.registered();
      const email = newAddress();
      expect((await shop.patch(`${USERS}/${id}`, { email }, shop.staff)).status).toBe(200);
      const [mail] = await shop.mailsTo(email);
      expect(mail).toMatchObject({ subject: 'Confirm the new e-mail address of your account' });
      expect(mail!.text).toContain('Our staff have put this e-mail address in the place of');
      expect(mail!.text).not.toContain('registered');
      const proof = { token: await shop.tokenFor(email), password: PASSWORD };
      expect((await shop.app.post(VERIFY_EMAIL, proof)).status).toBe(204);
      expect((await shop.app.get(ME, { token })).status).toBe(401);
      await shop.signIn(email, PASSWORD);
    } finally {
      await shop.stop();
    }
  });

  it('a registration mails a link, and the log-in does not wait for it', async () => {
    const shop = await UsersFixture.start({
      USERS_EMAIL_VERIFICATION: 'optional',
      MAIL_LINKS_URL: 'https://shop.example.com/account/',
    });
    try {
      const { email } = await shop.registered();
      const [mail] = await shop.mailsTo(email);
      const [, token] = /^https:\/\/shop\.example\.com\/account\/verify-email#token=([\w-]{43})$/m.exec(
        mail!.text,
      )!;
      expect((await shop.app.post(VERIFY_EMAIL, { token, password: PASSWORD })).status).toBe(204);
    } finally {
      await shop.stop();
    }
  });
});

describe('where addresses have to be confirmed', () => {
  let strict: UsersFixture;

  beforeAll(async () => {
    strict = await UsersFixture.start({ USERS_EMAIL_VERIFICATION: 'required' });
  });

  afterAll(() => strict.stop());

  /** Registers and expects the one answer. */
  async function register(overrides: object = {}, headers: Record<string, string> = {}) {
    const person = registration(overrides);
    const answer = await strict.app.post(USERS, person, { headers });
    expect([answer.status, answer.body]).toEqual([202, { status: 'verification_sent' }]);
    expect(answer.headers.get('etag')).toBeNull();
    return person;
  }

  const verify = async (email: string, password = PASSWORD) =>
    strict.app.post(VERIFY_EMAIL, { token: await strict.tokenFor(email), password });

  it('nobody logs in before that, and nobody learns why but who reads the mail', async () => {
    const { email, password } = await register();
    expect(await strict.mailsTo(email)).toHaveLength(1);
    const login = (claimed: string) => strict.app.post(LOGIN, { email, password: claimed });
    expect(await login(password)).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } });
    expect(await strict.mailsTo(email)).toHaveLength(2);
    expect((await verify(email)).status).toBe(204);
    const { token } = await strict.signIn(email, password);
    expect((await strict.app.get(ME, { token })).body.emailVerified).toBe(true);
  });

  it('whoever registers with an address does not learn from the log-in whether it was taken', async () => {
    const password = 'chosen by a stranger';
    const answers = [];
    for (const address of [strict.admin.email, newAddress()]) {
      const { email } = await register({ email: address, password });
      const tries: unknown[][] = [];
      for (let attempt = 0; attempt < 8; attempt += 1) {
        const { status, body } = await strict.app.post(LOGIN, { email, password });
        tries.push([status, body.code, body.title]);
      }
      answers.push(tries);
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[0]!.map(([status]) => status)).toEqual([...Array<number>(6).fill(401), 429, 429]);
  });

  it('a passkey does not get around it', async () => {
    const { email, password } = await register();
    await verify(email);
    const factors = new SecondFactorFixture(strict);
    const { device, id } = await factors.withPasskey(await strict.signIn(email, password));
    await strict.sql.query('UPDATE users.users SET email_verified_at = NULL WHERE id = $1', [id]);
    await strict.expectRefusal(() => factors.loginWithPasskey(device), 403, 'email_not_verified');
  });

  it('a registration with an address that is taken has the same answer, and its owner is told', async () => {
    const before = (await strict.app.get(USERS, { token: strict.staff.token })).body.data.length as number;
    await register({ email: 'Customer@Example.com' });
    const [mail, ...others] = await strict.mailsTo('customer@example.com');
    expect([mail!.subject, others]).toEqual(['You have an account already', []]);
    expect((await strict.app.get(USERS, { token: strict.staff.token })).body.data).toHaveLength(before);
    await strict.signIn('customer@example.com', DEMO_PASSWORD);
  });

  it('registrations with one address mail its owner five times', async () => {
    for (let registrations = 0; registrations < 7; registrations += 1) {
      await register({ email: 'staff@example.com' });
      await strict.mailsTo('staff@example.com');
    }
    expect(await strict.mailsTo('staff@example.com')).toHaveLength(5);
  });

  it('no transaction waits while registrations with an address are counted, which may be in Redis', async () => {
    const inTransaction: unknown[] = [];
    const count = RateLimiterMemory.prototype.penalty;
    const penalty = jest.spyOn(RateLimiterMemory.prototype, 'penalty').mockImplementation(async function (
      this: RateLimiterMemory,
      ...args: Parameters<typeof count>
    ) {
      const { rows } = await strict.sql.query(
        `SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
      );
      inTransaction.push(...rows);
      return count.apply(this, args);
    });
    try {
      await register({}, { 'idempotency-key': newId() });
      expect(penalty).toHaveBeenCalled();
      expect(inTransaction).toEqual([]);
    } finally {
      penalty.mockRestore();
    }
  });

  it('a second registration with an address that waits mails a token again, and keeps the first password', async () => {
    const { email } = await register();
    await strict.mailsTo(email);
    await register({ email, password: NEW_PASSWORD });
    expect((await verify(email)).status).toBe(204);
    await strict.signIn(email, PASSWORD);
  });

  it('whose owner registers after a stranger did takes it with a new password, by the mail about that', async () => {
    const { email } = await register();
    await strict.mailsTo(email);
    await register({ email, password: NEW_PASSWORD });
    const [mail] = await strict.mailsTo(email);
    const [confirmation, reset] = mail!.text.match(/^[\w-]{43}$/gm)! as [string, string];
    const confirm = () => strict.app.post(VERIFY_EMAIL, { token: confirmation, password: NEW_PASSWORD });
    await strict.expectRefusal(confirm, 403, 'wrong_password');
    const taken = await strict.app.post(RESET_PASSWORD, { token: reset, password: NEW_PASSWORD });
    expect(taken.status).toBe(204);
    await strict.signIn(email, NEW_PASSWORD);
  });

  it('nobody gets a higher role before that: anybody may have registered with the address', async () => {
    const { email } = await register();
    const find = async () =>
      (await strict.app.get(`${USERS}?q=${email}`, { token: strict.admin.token })).body.data[0].id as string;
    const id = await find();
    const promote = (role: string, version = 1) =>
      strict.put(`${USERS}/${id}/role`, { role }, strict.admin, version);
    for (const role of ['staff', 'admin']) {
      await strict.expectRefusal(() => promote(role), 409, 'email_not_proven');
    }
    expect((await promote('customer')).status).toBe(200);
    expect((await verify(email)).status).toBe(204);
    expect((await promote('admin', 2)).status).toBe(200);
  });

  it('a chosen id tells nothing: it is not taken over', async () => {
    const id = newId();
    const { email, password } = await register({ id });
    await register({ id });
    await register({ id: strict.customer.id });
    await verify(email);
    expect((await strict.signIn(email, password)).id).not.toBe(id);
  });

  it('50 registrations at once with one address make one account', async () => {
    const person = registration();
    const answers = await Promise.all(Array.from({ length: 50 }, () => strict.app.post(USERS, person)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const { rows } = await strict.sql.query('SELECT id FROM users.users WHERE email = $1', [person.email]);
    expect(rows).toHaveLength(1);
  });

  it('a repetition under one key has the same answer', async () => {
    const headers = { 'idempotency-key': newId() };
    const person = await register({}, headers);
    const again = await strict.app.post(USERS, person, { headers });
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
  });

  it('a new password confirms the address, too', async () => {
    const { email } = await register();
    await strict.app.post(FORGOT_PASSWORD, { email });
    await strict.mailsTo(email);
    const mails = await strict.mailsTo(email);
    const { text } = mails.find(({ subject }) => subject === 'Choose a new password')!;
    const [token] = /^[\w-]{43}$/m.exec(text)!;
    expect((await strict.app.post(RESET_PASSWORD, { token, password: NEW_PASSWORD })).status).toBe(204);
    await strict.signIn(email, NEW_PASSWORD);
  });
});

describe('the events of accounts', () => {
  it('hold no address', async () => {
    const { user, token } = await REQUESTS.change_email();
    await USES.change_email(token);
    await users.app.app.get(OutboxRelay).relayBatch();
    const { rows } = await users.sql.query<{ t: string }>(
      'SELECT json_agg(o)::text AS t FROM platform.outbox o',
    );
    expect(rows[0]!.t).not.toContain('@');
    expect(user.email).toContain('@');
  });
});

describe('a mail to an address that nobody has proven', () => {
  const NAME = 'customer, pay at once or lose your order. Yours, the billing team. Ref 1';
  const textsTo = async (address: string) => (await users.mailsTo(address)).map(({ text }) => text);

  it('does not say what whoever registered has chosen as a name', async () => {
    const person = await users.registered({ name: NAME });
    const { email, token } = person;
    await users.app.post(RESEND_VERIFICATION, { email });
    await users.app.post(FORGOT_PASSWORD, { email });
    const next = newAddress();
    await users.app.post(EMAIL_CHANGE, { email: next, password: PASSWORD }, { token });
    const texts = await textsTo(next);
    const factors = new SecondFactorFixture(users);
    await factors.withApp(person);
    texts.push(...(await textsTo(email)));
    expect(texts).toHaveLength(4);
    for (const text of texts) expect(text).toMatch(/^Hello,\n/);
  });

  it.each<[string, (person: SignedIn) => Promise<Answer>]>([
    [
      'moved away from',
      async ({ token }) => {
        const email = newAddress();
        await users.app.post(EMAIL_CHANGE, { email, password: PASSWORD }, { token });
        return USES.change_email(await users.tokenFor(email));
      },
    ],
    ['moved by staff', ({ id }) => users.patch(`${USERS}/${id}`, { email: newAddress() }, users.staff)],
    ['erased', ({ token }) => users.app.call('DELETE', ME, { token, body: { password: PASSWORD } })],
    [
      'proven by a new password',
      async ({ email }) => {
        await users.app.post(FORGOT_PASSWORD, { email });
        return USES.reset_password(await users.tokenFor(email));
      },
    ],
  ])('nor when it is %s', async (_, act) => {
    const person = await users.registered({ name: NAME });
    expect((await act(person)).status).toBeLessThan(300);
    const texts = await textsTo(person.email);
    expect(texts.length).toBeGreaterThan(0);
    for (const text of texts) expect(text).toMatch(/^Hello,\n/);
  });

  it('greets by name once it is proven', async () => {
    const { user, token } = await REQUESTS.verify_email();
    await USES.verify_email(token);
    await users.app.post(FORGOT_PASSWORD, { email: user.email });
    expect((await textsTo(user.email))[0]).toMatch(/^Hello Ada Lovelace,\n/);
  });
});
