import { newId } from '#kernel';
import { OpenTransaction } from '../support/open-transaction.js';
import {
  CONFIRM_TOTP,
  PASSKEY_OPTIONS,
  PASSKEYS,
  RECOVERY_CODES,
  SECOND_FACTOR,
  SecondFactorFixture,
  STATUS,
  STEP_MS,
  STEP_UP,
  TOTP,
  type WithApp,
} from '../support/second-factor-fixture.js';
import type { Answer } from '../support/test-app.js';
import {
  claimsOf,
  CONFIRM_EMAIL_CHANGE,
  EMAIL_CHANGE,
  FORGOT_PASSWORD,
  LOGIN,
  LOGOUT,
  ME,
  PASSWORD,
  RESET_PASSWORD,
  type SignedIn,
  USERS,
  UsersFixture,
  VERIFY_EMAIL,
} from '../support/users-fixture.js';

const MINUTE_MS = 60_000;
const NO_CODE = '000000';
const NEW_PASSWORD = 'another horse battery';

let users: UsersFixture;
let factors: SecondFactorFixture;
beforeAll(async () => {
  users = await UsersFixture.start();
  factors = new SecondFactorFixture(users);
});
afterAll(() => users.stop());

const assuranceOf = (token: string) => {
  const { acr, amr } = claimsOf(token);
  return { acr, amr };
};

/** Chooses a new password with a token that was mailed. */
async function resetPassword({ email }: SignedIn): Promise<void> {
  await users.app.post(FORGOT_PASSWORD, { email });
  const token = await users.tokenFor(email);
  expect((await users.app.post(RESET_PASSWORD, { token, password: NEW_PASSWORD })).status).toBe(204);
}

describe('an authenticator app', () => {
  it('is told its secret once, and is a second factor from its first code on', async () => {
    const person = await users.registered();
    const { status, headers, body } = await factors.post(TOTP, { password: PASSWORD }, person);
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    const uri = new URL(body.uri);
    expect([uri.protocol, uri.host, decodeURIComponent(uri.pathname)]).toEqual([
      'otpauth:',
      'totp',
      `/Steelyard:${person.email}`,
    ]);
    expect(Object.fromEntries(uri.searchParams)).toEqual({
      ...{ secret: body.secret, issuer: 'Steelyard', algorithm: 'SHA1', digits: '6', period: '30' },
    });
    const { status: loggedIn, body: other } = await factors.login(person);
    expect(loggedIn).toBe(200);

    // Asked for again, the first secret is good for nothing.
    const app = await factors.pendingApp(person);
    expect(await factors.post(CONFIRM_TOTP, { totp: NO_CODE }, person)).toMatchObject({ status: 403 });
    const confirmed = await factors.post(CONFIRM_TOTP, { totp: factors.code({ app }) }, person);
    expect(confirmed).toMatchObject({ status: 200 });
    const { recoveryCodes } = confirmed.body as { recoveryCodes: string[] };
    expect(new Set(recoveryCodes).size).toBe(10);
    for (const code of recoveryCodes) expect(code).toMatch(/^([A-Z2-7]{4}-){3}[A-Z2-7]{4}$/);

    expect((await users.app.get(STATUS, { token: person.token })).body).toEqual({
      ...{ totp: { enrolledAt: expect.any(String) }, passkeys: [], recoveryCodesLeft: 10 },
    });
    expect(await factors.subjects(person)).toEqual(['An authenticator app was added']);
    // What the password alone has opened elsewhere ends.
    expect((await users.refresh(other.refreshToken)).status).toBe(401);
    // This session has just proven it; its access token of before does not know.
    const { tokens } = confirmed.body as { tokens: Record<'accessToken' | 'refreshToken', string> };
    const refreshed = await users.refresh(tokens.refreshToken);
    for (const token of [tokens.accessToken, refreshed.body.accessToken as string]) {
      expect(assuranceOf(token)).toEqual({ acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] });
    }
    expect(await factors.post(TOTP, { password: PASSWORD }, person)).toMatchObject({
      status: 403,
      body: { code: 'insufficient_aal' },
    });
    const { rows } = await users.sql.query<{ t: string }>(
      'SELECT t::text FROM users.totp t UNION ALL SELECT r::text FROM users.recovery_codes r',
    );
    const stored = JSON.stringify(rows);
    for (const secret of [body.secret as string, Buffer.from(app['key']).toString('hex'), ...recoveryCodes]) {
      expect(stored.includes(secret)).toBe(false);
    }
  });

  it('is asked for by what would take the account away, also in a session that was open before', async () => {
    const person = await users.registered();
    const app = await factors.pendingApp(person);
    expect((await factors.post(CONFIRM_TOTP, { totp: factors.code({ app }) }, person)).status).toBe(200);
    const move = { email: 'elsewhere@example.com', password: PASSWORD };
    const moving = () => factors.post(`${ME}/email-change`, move, person);
    await users.expectRefusal(moving, 403, 'insufficient_aal');
    const change = { currentPassword: PASSWORD, password: NEW_PASSWORD };
    const changing = () => users.app.call('PUT', `${ME}/password`, { token: person.token, body: change });
    await users.expectRefusal(changing, 403, 'insufficient_aal');
    const leave = { token: person.token, body: { password: PASSWORD } };
    await users.expectRefusal(() => users.app.call('DELETE', ME, leave), 403, 'insufficient_aal');
  });

  it.each<[string, (person: SignedIn) => Promise<unknown>]>([
    ['an app', (person) => factors.withApp(person)],
    ['a passkey', (person) => factors.withPasskey(person)],
  ])(
    'or %s ends changes of the address that were begun before by the password alone',
    async (_, addFactor) => {
      const person = await users.registered();
      const [mailed, queued] = [`${newId()}@example.com`, `${newId()}@example.com`];
      const ask = (email: string) =>
        users.app.post(EMAIL_CHANGE, { email, password: PASSWORD }, { token: person.token });
      expect((await ask(mailed)).status).toBe(202);
      const token = await users.tokenFor(mailed);
      expect((await ask(queued)).status).toBe(202);
      await addFactor(person);
      const confirm = () => users.app.post(CONFIRM_EMAIL_CHANGE, { token, password: PASSWORD });
      await users.expectRefusal(confirm, 400, 'invalid_or_expired_token');
      expect(await users.mailsTo(queued)).toEqual([]);
    },
  );

  it('that comes while a change of the address is asked for is asked for by that', async () => {
    const person = await users.registered();
    const enrolment = await OpenTransaction.begin(users.app);
    await enrolment.query(`SELECT pg_advisory_xact_lock(hashtextextended('second_factor:' || $1, 0))`, [
      person.id,
    ]);
    const change = users.app.post(
      EMAIL_CHANGE,
      { email: `${newId()}@example.com`, password: PASSWORD },
      { token: person.token },
    );
    await enrolment.hasWaiter();
    await enrolment.query(
      `INSERT INTO users.totp (user_id, sealed_secret, created_at, confirmed_at) VALUES ($1, '\\x00', now(), now())`,
      [person.id],
    );
    await enrolment.commit();
    expect(await change).toMatchObject({ status: 403, body: { code: 'insufficient_aal' } });
  });

  it('takes the password to begin, and its first code within a quarter of an hour', async () => {
    const person = await users.registered();
    const begin = () => factors.post(TOTP, { password: 'not the password' }, person);
    await users.expectRefusal(begin, 403, 'wrong_password');
    const app = await factors.pendingApp(person);
    const confirm = () => factors.post(CONFIRM_TOTP, { totp: factors.code({ app }) }, person);
    await users.later(15 * MINUTE_MS + 1_000, () => users.expectRefusal(confirm, 409, 'totp_not_pending'));
    expect((await confirm()).status).toBe(200);
    // From now on it takes what it has become.
    await users.expectRefusal(confirm, 403, 'insufficient_aal');
  });

  it('is asked for after the password, and opens a session with two factors that stays one', async () => {
    const person = await factors.withApp();
    const login = await factors.login(person);
    expect({ ...login, cache: login.headers.get('cache-control') }).toMatchObject({
      status: 403,
      cache: 'no-store',
      body: {
        code: 'second_factor_required',
        challengeToken: expect.stringMatching(/^[\w-]{43}$/),
        expiresIn: 300,
        methods: ['totp', 'recoveryCode'],
      },
    });
    expect(login.body).not.toHaveProperty('passkeyOptions');
    const { challengeToken } = login.body as { challengeToken: string };
    const { status, body } = await factors.post(SECOND_FACTOR, {
      challengeToken,
      totp: ` ${factors.code(person).replace(/(...)/, '$1 ')} `,
    });
    expect({ status, user: body.user?.id }).toEqual({ status: 200, user: person.id });
    const assurance = { acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] };
    expect(assuranceOf(body.accessToken)).toEqual(assurance);
    const refreshed = await users.refresh(body.refreshToken);
    expect(assuranceOf(refreshed.body.accessToken)).toEqual(assurance);
    // A repetition within the grace, too.
    const repeated = await users.refresh(body.refreshToken);
    expect(assuranceOf(repeated.body.accessToken)).toEqual(assurance);
  });

  it.each([
    [-2, 403],
    [-1, 200],
    [0, 200],
    [1, 200],
    [2, 403],
  ])('whose clock is %i half minutes off is answered %i', async (steps, expected) => {
    const person = await factors.withApp();
    await users.later(5 * MINUTE_MS, async () => {
      expect((await factors.finish(person, { totp: factors.code(person, steps) })).status).toBe(expected);
    });
  });

  it('gives each code once: not again, not one before it, and to one of six calls at once', async () => {
    const person = await factors.withApp();
    const totp = factors.code(person);
    // More at once would be slowed down as guesses.
    const tokens = await Promise.all(Array.from({ length: 6 }, () => factors.challenged(person)));
    const answers = await Promise.all(
      tokens.map(({ challengeToken }) => factors.post(SECOND_FACTOR, { challengeToken, totp })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(5).fill(403)]);
    const { challengeToken } = await factors.challenged(person);
    const again = (code: string) => () => factors.post(SECOND_FACTOR, { challengeToken, totp: code });
    await users.expectRefusal(again(totp), 403, 'wrong_second_factor');
    await users.later(STEP_MS, async () => {
      await users.expectRefusal(again(totp), 403, 'wrong_second_factor');
      expect((await again(factors.code(person))()).status).toBe(200);
    });
  });

  it('is told to the address of that moment, whatever becomes of it, but not of who is forgotten', async () => {
    const [moved, forgotten] = [await factors.withApp(), await factors.withApp()];
    await users.sql.query(`UPDATE users.users SET email = 'moved-' || email WHERE id = $1`, [moved.id]);
    const raised = await factors.raised(forgotten, { totp: factors.code(forgotten) });
    expect((await factors.remove(ME, { password: PASSWORD }, raised)).status).toBe(204);
    expect(await factors.subjects(moved)).toEqual(['An authenticator app was added']);
    expect(await factors.subjects(forgotten)).toEqual(['Your account was erased']);
  });

  it('is removed with the password and a code, and so are the recovery codes', async () => {
    const person = await factors.withApp();
    const remove = (password: string, totp: string) => () => factors.remove(TOTP, { password, totp }, person);
    await users.expectRefusal(remove('not the password', factors.code(person)), 403, 'wrong_password');
    await users.expectRefusal(remove(PASSWORD, NO_CODE), 403, 'wrong_second_factor');
    expect((await remove(PASSWORD, factors.code(person))()).status).toBe(204);
    await users.expectRefusal(remove(PASSWORD, NO_CODE), 404, 'totp_not_enrolled');
    expect((await factors.login(person)).status).toBe(200);
    expect((await users.app.get(STATUS, { token: person.token })).body).toEqual({
      ...{ totp: null, passkeys: [], recoveryCodesLeft: 0 },
    });
    expect(await factors.subjects(person)).toEqual([
      'An authenticator app was added',
      'An authenticator app was removed',
    ]);
  });

  it('that is removed ends the other sessions, and the last factor takes the second one from this', async () => {
    const elsewhere = await factors.withApp();
    const { body } = await factors.finish(elsewhere, { totp: factors.code(elsewhere) });
    const here = { ...elsewhere, token: body.accessToken as string };
    const { device, passkeyId, refreshToken } = await factors.withPasskey(here);
    const remove = async (path: string) => {
      const passkey = await factors.assertion(here, device);
      expect((await factors.remove(path, { password: PASSWORD, passkey }, here)).status).toBe(204);
    };
    await remove(TOTP);
    expect((await users.refresh(elsewhere.refreshToken)).status).toBe(401);
    const between = await users.refresh(refreshToken);
    expect(assuranceOf(between.body.accessToken).acr).toBe('aal2');

    await remove(`${PASSKEYS}/${passkeyId}`);
    const look = (token: string) => () => users.app.get(STATUS, { token });
    await users.expectRefusal(look(here.token), 401, 'invalid_token');
    const { body: after } = await users.refresh(between.body.refreshToken);
    expect(assuranceOf(after.accessToken)).toEqual({ acr: 'aal1', amr: ['pwd'] });
    expect((await look(after.accessToken)()).status).toBe(200);
  });
});

describe('the token of a log-in that waits for a second factor', () => {
  const useOf = (challengeToken: string, proof: object) => () =>
    factors.post(SECOND_FACTOR, { challengeToken, ...proof });

  it('is good for one session, for five minutes, and outlives a wrong code', async () => {
    const person = await factors.withApp();
    const [{ challengeToken }, { challengeToken: late }] = [
      await factors.challenged(person),
      await factors.challenged(person),
    ];
    await users.expectRefusal(useOf(challengeToken, { totp: NO_CODE }), 403, 'wrong_second_factor');
    expect((await useOf(challengeToken, { totp: factors.code(person) })()).status).toBe(200);
    const [recoveryCode] = person.recoveryCodes;
    await users.expectRefusal(useOf(challengeToken, { recoveryCode }), 400, 'invalid_or_expired_token');
    await users.later(5 * MINUTE_MS + 1, () =>
      users.expectRefusal(useOf(late, { recoveryCode }), 400, 'invalid_or_expired_token'),
    );
  });

  it('takes no code of somebody else', async () => {
    const [person, other] = [await factors.withApp(), await factors.withApp()];
    const { challengeToken } = await factors.challenged(person);
    const proofs = [{ totp: factors.code(other) }, { recoveryCode: other.recoveryCodes[0] }];
    for (const proof of proofs) {
      await users.expectRefusal(useOf(challengeToken, proof), 403, 'wrong_second_factor');
    }
  });

  it('ends with the password, which a new one does not bypass', async () => {
    const person = await factors.withApp();
    await users.sql.query('UPDATE users.users SET email_verified_at = now() WHERE id = $1', [person.id]);
    const { challengeToken } = await factors.challenged(person);
    const started = await users.registered();
    const app = await factors.pendingApp(started);
    for (const each of [person, started]) await resetPassword(each);
    const totp = factors.code(person);
    await users.expectRefusal(useOf(challengeToken, { totp }), 400, 'invalid_or_expired_token');
    expect((await factors.login(person, NEW_PASSWORD)).body.code).toBe('second_factor_required');
    // Nor can whoever began with the old password add an app of theirs, or have its owner do it.
    const owner = await users.signIn(started.email, NEW_PASSWORD);
    const confirm = (by: SignedIn) => () => factors.post(CONFIRM_TOTP, { totp: factors.code({ app }) }, by);
    await users.expectRefusal(confirm(started), 401, 'invalid_token');
    await users.expectRefusal(confirm(owner), 409, 'totp_not_pending');
  });

  it.each<[string, object, string]>([
    ['two proofs', { totp: NO_CODE, recoveryCode: 'x' }, 'one_proof_required'],
    ['no proof', {}, 'one_proof_required'],
  ])('does not go with %s', async (_, proof, code) => {
    await users.expectRefusal(useOf('x', proof), 400, 'validation_failed', { pointer: '', code });
  });
});

describe('an address that nobody has confirmed', () => {
  it('opens no account of staff that has a second factor, by a new password alone', async () => {
    const admin = await factors.withApp(await users.anotherAdmin());
    await resetPassword(admin);
    expect(await factors.login(admin, NEW_PASSWORD)).toMatchObject({
      status: 403,
      body: { code: 'second_factor_required' },
    });
  });

  it('frees whoever proves it by a new password from what a stranger has added, and only then', async () => {
    const stranger = await factors.withApp();
    const { device } = await factors.withPasskey(
      await factors.raised(stranger, { totp: factors.code(stranger) }),
    );
    await resetPassword(stranger);
    expect(await factors.loginWithPasskey(device)).toMatchObject({ status: 401 });
    const owner = await users.signIn(stranger.email, NEW_PASSWORD);
    expect((await users.app.get(STATUS, { token: owner.token })).body).toEqual({
      ...{ totp: null, passkeys: [], recoveryCodesLeft: 0 },
    });
    const [told] = (await users.mailsTo(stranger.email)).filter(({ subject }) =>
      /password was/.test(subject),
    );
    expect(told!.text).toContain('A second factor had been added');
  });

  it('is given by staff to nobody who has a second factor, which its proof would take away', async () => {
    const { id } = await factors.withApp();
    const move = (as: SignedIn) => users.patch(`${USERS}/${id}`, { email: `${newId()}@example.com` }, as);
    await users.expectRefusal(() => move(users.staff), 403, 'forbidden');
    expect((await move(users.admin)).status).toBe(200);
  });
});

describe('a password that becomes another one while it is being proven', () => {
  let owner: WithApp;
  beforeAll(async () => {
    owner = await factors.withApp();
    owner = await factors.raised(owner, { recoveryCode: owner.recoveryCodes[0]! });
  });

  /** A token to confirm the address, as it would be mailed. */
  async function confirmationOf({ id, email }: SignedIn): Promise<string> {
    const token = newId();
    await users.sql.query(
      `INSERT INTO users.tokens VALUES ($1, 'verify_email', sha256($2), $3, now() + interval '1 minute', uuidv7())`,
      [id, Buffer.from(token), email],
    );
    return token;
  }

  const password = PASSWORD;
  it.each<[string, () => Promise<Answer>, number, string]>([
    ['begins no log-in', () => factors.login(owner), 401, 'invalid_credentials'],
    ['adds no app', () => factors.post(TOTP, { password }, owner), 403, 'wrong_password'],
    ['begins no passkey', () => factors.post(PASSKEY_OPTIONS, { password }, owner), 403, 'wrong_password'],
    [
      'removes no app',
      () => factors.remove(TOTP, { password, totp: factors.code(owner) }, owner),
      403,
      'wrong_password',
    ],
    [
      'shows no recovery codes',
      () => factors.post(RECOVERY_CODES, { password, totp: factors.code(owner) }, owner),
      403,
      'wrong_password',
    ],
    [
      'moves nobody',
      () => factors.post(EMAIL_CHANGE, { password, email: 'elsewhere@example.com' }, owner),
      403,
      'wrong_password',
    ],
    [
      'confirms no address',
      async () => users.app.post(VERIFY_EMAIL, { password, token: await confirmationOf(owner) }),
      403,
      'wrong_password',
    ],
    ['erases nobody', () => factors.remove(ME, { password }, owner), 403, 'wrong_password'],
  ])('%s', async (_, call, status, code) => {
    const { rows } = await users.sql.query<{ hash: string }>(
      'SELECT password_hash AS hash FROM users.users WHERE id = $1',
      [owner.id],
    );
    const set = 'UPDATE users.users SET password_hash = $2 WHERE id = $1';
    const change = await OpenTransaction.begin(users.app);
    await change.query(set, [owner.id, '!']);
    const answer = call();
    await Promise.race([answer, change.hasWaiter()]);
    await change.commit();
    const answered = await answer;
    await users.sql.query(set, [owner.id, rows[0]!.hash]);
    expect(answered).toMatchObject({ status, body: { code } });
  });
});

describe('a recovery code', () => {
  it('opens a session once, however it is written, and its owner is told', async () => {
    const person = await factors.withApp();
    const [first, second] = person.recoveryCodes as [string, string];
    const written = ` ${first.toLowerCase().replaceAll('-', ' ')} `;
    const { status, body } = await factors.finish(person, { recoveryCode: written });
    expect([status, assuranceOf(body.accessToken).acr]).toEqual([200, 'aal2']);
    expect(await factors.finish(person, { recoveryCode: first })).toMatchObject({ status: 403 });
    expect(await factors.subjects(person)).toContain('A recovery code was used');
    const texts = (await users.mailsTo(person.email)).map(({ text }) => text);
    // A code may have removed the app, or replaced the codes: it opened nothing then.
    expect(texts.filter((text) => text.includes('recovery codes of your account was used'))).toHaveLength(1);

    const tokens = await Promise.all(Array.from({ length: 5 }, () => factors.challenged(person)));
    const answers = await Promise.all(
      tokens.map(({ challengeToken }) =>
        factors.post(SECOND_FACTOR, { challengeToken, recoveryCode: second }),
      ),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, ...Array<number>(4).fill(403)]);
    expect((await users.app.get(STATUS, { token: person.token })).body.recoveryCodesLeft).toBe(8);
  });

  it('is replaced with all others, by whoever has password and second factor', async () => {
    const person = await factors.withApp();
    const [old] = person.recoveryCodes;
    const replace = (proof: object) => factors.post(RECOVERY_CODES, { password: PASSWORD, ...proof }, person);
    await users.expectRefusal(() => replace({ totp: NO_CODE }), 403, 'wrong_second_factor');
    const { status, body } = await replace({ totp: factors.code(person) });
    expect([status, new Set([...body.recoveryCodes, ...person.recoveryCodes]).size]).toEqual([200, 20]);
    expect(await factors.finish(person, { recoveryCode: old })).toMatchObject({ status: 403 });
    expect(await factors.finish(person, { recoveryCode: body.recoveryCodes[0] })).toMatchObject({
      status: 200,
    });
    const without = await users.registered();
    const none = () => factors.post(RECOVERY_CODES, { password: PASSWORD, totp: NO_CODE }, without);
    await users.expectRefusal(none, 409, 'no_second_factor');
  });
});

describe('a step-up', () => {
  it('raises the session that was open before, and its later tokens', async () => {
    const person = await factors.withApp();
    expect(assuranceOf(person.token)).toEqual({ acr: 'aal1', amr: ['pwd'] });
    const raised = await factors.raised(person, { totp: factors.code(person) });
    expect(claimsOf(raised.token)).toMatchObject({
      ...{ sid: claimsOf(person.token)['sid'], acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] },
    });
    await users.expectRefusal(() => users.refresh(person.refreshToken), 401, 'invalid_refresh_token');
    const refreshed = await users.refresh(raised.refreshToken);
    expect(assuranceOf(refreshed.body.accessToken).acr).toBe('aal2');
  });

  it.each<[string, (person: SignedIn) => Promise<SignedIn>]>([
    ['an app', (person) => factors.withApp(person)],
    ['a passkey', (person) => factors.withPasskey(person)],
  ])('by %s replaces the refresh token: copies of those before are good for nothing', async (_, raise) => {
    const person = await users.registered();
    const replaced = await users.refreshed(person.refreshToken);
    const { refreshToken } = await raise({ ...person, refreshToken: replaced });
    for (const copy of [person.refreshToken, replaced]) {
      await users.expectRefusal(() => users.refresh(copy), 401, 'invalid_refresh_token');
      expect(await users.app.post(LOGOUT, { refreshToken: copy })).toMatchObject({ status: 204 });
    }
    expect((await users.refresh(refreshToken)).status).toBe(200);
    // A repetition within the grace still works from here on.
    expect((await users.refresh(refreshToken)).status).toBe(200);
  });

  it('raises no session that has ended, and nobody without a second factor', async () => {
    const person = await factors.withApp();
    await users.app.call('DELETE', `${ME}/sessions?includeCurrent=true`, { token: person.token });
    const raise = () => factors.post(STEP_UP, { totp: factors.code(person) }, person);
    await users.expectRefusal(raise, 401, 'invalid_token');
    const without = await users.registered();
    const hope = () => factors.post(STEP_UP, { totp: NO_CODE }, without);
    await users.expectRefusal(hope, 409, 'no_second_factor');
  });
});

describe('a lost second factor', () => {
  const reset = (id: string, { token }: { token: string }, body?: object) =>
    users.app.call('DELETE', `${USERS}/${id}/second-factor`, { token, body });

  it('is removed by an admin, which ends every session and is audited', async () => {
    const person = await factors.withApp();
    const { challengeToken } = await factors.challenged(person);
    expect(await reset(person.id, users.staff)).toMatchObject({ status: 403 });
    const reason = 'Lost the phone';
    expect(await reset(person.id, users.admin, { reason })).toMatchObject({ status: 204 });
    expect(await users.refresh(person.refreshToken)).toMatchObject({ status: 401 });
    const late = { challengeToken, recoveryCode: person.recoveryCodes[0] };
    expect(await factors.post(SECOND_FACTOR, late)).toMatchObject({ status: 400 });
    expect(await factors.login(person)).toMatchObject({ status: 200 });
    expect(await factors.subjects(person)).toContain('Your second factor was removed by our staff');
    const { rows } = await users.sql.query(
      'SELECT actor, action, reason FROM platform.audit_log WHERE target = $1',
      [person.id],
    );
    expect(rows).toEqual([
      { actor: `user:${users.admin.id}`, action: 'DELETE /users/:id/second-factor', reason },
    ]);
  });

  it('of one’s own is not removed without it', async () => {
    const own = () => reset(users.admin.id, users.admin);
    await users.expectRefusal(own, 409, 'own_second_factor');
  });

  it('of somebody who has none is no_second_factor, and their sessions go on', async () => {
    const without = await users.registered();
    await users.expectRefusal(() => reset(without.id, users.admin), 409, 'no_second_factor');
    expect(await users.refresh(without.refreshToken)).toMatchObject({ status: 200 });
  });

  it('of nobody is user_not_found', async () => {
    const nobody = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10';
    await users.expectRefusal(() => reset(nobody, users.admin), 404, 'user_not_found');
  });
});

describe('what nobody learns', () => {
  it('is whether an account has a second factor, before the password is right', async () => {
    const [person, without] = [await factors.withApp(), await users.registered()];
    const answers = await Promise.all(
      [person.email, without.email, 'nobody@example.com'].map((email) =>
        users.app.post(LOGIN, { email, password: 'not the password' }),
      ),
    );
    const bodies = answers.map(({ status, body }) => ({ status, ...(body as object), requestId: undefined }));
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
    expect(bodies[0]).toMatchObject({ status: 401, code: 'invalid_credentials' });
  });

  it('is what the export of one’s data would tell: no secret is in it', async () => {
    const person = await factors.withApp();
    const { body } = await users.app.get(`${ME}/export`, { token: person.token });
    expect(body.secondFactor).toEqual({
      ...{ totp: { enrolledAt: expect.any(String) }, passkeys: [], recoveryCodesLeft: 10 },
    });
    expect(body.sessions).toEqual([expect.objectContaining({ aal: 2, amr: ['pwd', 'otp', 'mfa'] })]);
  });

  it('is anything of whoever was erased', async () => {
    const person = await factors.withApp();
    const raised = await factors.raised(person, { recoveryCode: person.recoveryCodes[0] });
    const erasure = { token: raised.token, body: { password: PASSWORD } };
    expect(await users.app.call('DELETE', ME, erasure)).toMatchObject({ status: 204 });
    const { rows } = await users.sql.query(
      `SELECT user_id FROM users.totp WHERE user_id = $1
       UNION ALL SELECT user_id FROM users.recovery_codes WHERE user_id = $1
       UNION ALL SELECT user_id FROM users.challenges WHERE user_id = $1`,
      [person.id],
    );
    expect(rows).toEqual([]);
    const confirm = () => factors.post(CONFIRM_TOTP, { totp: NO_CODE }, person);
    await users.expectRefusal(confirm, 401, 'invalid_token');
  });
});

// The tests have no rate limits: these pauses are there all the same.
describe('guessing', () => {
  it('is slowed down for the account, whichever log-in it comes with, and one at a time', async () => {
    const person = await factors.withApp();
    const problems = await Promise.all(Array.from({ length: 5 }, () => factors.challenged(person)));
    const tokens = problems.map(({ challengeToken }) => challengeToken as string);
    const guess = (index: number) =>
      factors.post(SECOND_FACTOR, { challengeToken: tokens[index % 5], totp: NO_CODE });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => guess(index)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array<number>(6).fill(403), ...Array<number>(14).fill(429)]);
    const right = await factors.finish(person, { totp: factors.code(person) });
    expect(right).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await factors.login(await users.registered())).status).toBe(200);
  });
});
