import { OpenTransaction } from '../support/open-transaction.js';
import {
  PASSKEY_LOGIN,
  PASSKEY_LOGIN_OPTIONS,
  PASSKEY_OPTIONS,
  PASSKEYS,
  SECOND_FACTOR,
  SecondFactorFixture,
  STATUS,
  STEP_UP,
  TOTP,
  type WithPasskey,
} from '../support/second-factor-fixture.js';
import { type Faults, SoftwareAuthenticator } from '../support/software-authenticator.js';
import { claimsOf, ME, PASSWORD, type SignedIn, UsersFixture } from '../support/users-fixture.js';

const FIVE_MINUTES_MS = 300_000;
const NO_CODE = '000000';

let users: UsersFixture;
let factors: SecondFactorFixture;
/** For refusals, after which they are as before. */
let anybody: SignedIn;
let somebody: WithPasskey;
beforeAll(async () => {
  users = await UsersFixture.start();
  factors = new SecondFactorFixture(users);
  anybody = await users.registered();
  somebody = await factors.withPasskey();
});
afterAll(() => users.stop());

const amrOf = (token: string) => {
  const { acr, amr } = claimsOf(token);
  return { acr, amr };
};

/** What an answer must not get away with, whether it makes a passkey or uses one. */
const FAULTS: [string, Faults][] = [
  ['for another origin', { origin: 'https://localhost.example.com' }],
  ['for another port of the host', { origin: 'http://localhost:3001' }],
  ['for another domain', { rpId: 'example.com' }],
  ['of the wrong type', { type: 'payment.get' }],
  ['without a verified person', { userVerified: false }],
  ['without a person', { userPresent: false }],
];

describe('a passkey', () => {
  it('is made, listed, renamed, and removed with the password and a second factor', async () => {
    const person = await users.registered();
    const options = await factors.post(PASSKEY_OPTIONS, { password: PASSWORD }, person);
    expect({ ...options, cache: options.headers.get('cache-control') }).toMatchObject({
      status: 200,
      cache: 'no-store',
      body: {
        rp: { id: 'localhost', name: 'Steelyard' },
        user: { name: person.email, displayName: 'Ada Lovelace' },
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        attestation: 'none',
        excludeCredentials: [],
        pubKeyCredParams: [-8, -7, -257].map((alg) => ({ alg, type: 'public-key' })),
      },
    });
    const owner = await factors.withPasskey(person);
    expect(owner.recoveryCodes).toHaveLength(10);
    const path = `${PASSKEYS}/${owner.passkeyId}`;
    const renamed = await users.app.call('PATCH', path, { body: { name: 'Old phone' }, token: owner.token });
    const shown = { id: owner.passkeyId, name: 'Old phone', synced: false, lastUsedAt: null };
    expect(renamed).toMatchObject({ status: 200, body: shown });
    const status = async () => (await users.app.get(STATUS, { token: owner.token })).body as object;
    expect(await status()).toMatchObject({ totp: null, passkeys: [shown], recoveryCodesLeft: 10 });

    const remove = (proof: object, password = PASSWORD) =>
      factors.remove(path, { password, ...proof }, owner);
    await users.expectRefusal(() => remove({ totp: NO_CODE }), 403, 'wrong_second_factor');
    await users.expectRefusal(() => remove({ totp: NO_CODE }, 'wrong'), 403, 'wrong_password');
    expect((await remove({ passkey: await factors.assertion(owner, owner.device) })).status).toBe(204);
    expect(await status()).toEqual({ totp: null, passkeys: [], recoveryCodesLeft: 0 });
    expect(await factors.login(owner)).toMatchObject({ status: 200 });
    expect(await factors.loginWithPasskey(owner.device)).toMatchObject({ status: 401 });
    expect(await factors.subjects(owner)).toEqual(['A passkey was added', 'A passkey was removed']);
  });

  it('is its owner’s', async () => {
    const [owner, other] = [await factors.withPasskey(), await factors.withPasskey()];
    const path = `${PASSKEYS}/${owner.passkeyId}`;
    const rename = () => users.app.call('PATCH', path, { body: { name: 'Mine' }, token: other.token });
    await users.expectRefusal(rename, 404, 'passkey_not_found');
    const passkey = await factors.assertion(other, other.device);
    const remove = () => factors.remove(path, { password: PASSWORD, passkey }, other);
    await users.expectRefusal(remove, 404, 'passkey_not_found');
  });

  it('joins others only in a session with two factors, and brings no new recovery codes', async () => {
    const before = await users.registered();
    const owner = await factors.withPasskey(await users.signIn(before.email, PASSWORD));
    expect((await users.refresh(before.refreshToken)).status).toBe(401);
    const { body: other } = await factors.loginWithPasskey(owner.device);
    for (const path of [PASSKEY_OPTIONS, TOTP]) {
      const add = () => factors.post(path, { password: PASSWORD }, owner);
      await users.expectRefusal(add, 403, 'insufficient_aal');
    }
    const passkey = await factors.assertion(owner, owner.device);
    const raised = await factors.raised(owner, { passkey });
    const { body: options } = await factors.post(PASSKEY_OPTIONS, { password: PASSWORD }, raised);
    expect(options.excludeCredentials).toEqual([
      expect.objectContaining({ id: owner.device.credentialId, transports: ['internal'] }),
    ]);
    const further = await factors.withPasskey(raised);
    expect(further.recoveryCodes).toBeNull();
    expect((await factors.withApp(raised)).recoveryCodes).toBeNull();
    expect((await users.refresh(other.refreshToken)).status).toBe(200);
    expect((await factors.challenged(owner)).methods).toEqual(['totp', 'passkey', 'recoveryCode']);
  });

  it('is not added when a new password ends what the old one began, at the same moment', async () => {
    const person = await users.registered();
    const passkey = await factors.attest(person, new SoftwareAuthenticator());
    const reset = await OpenTransaction.begin(users.app);
    await reset.query('SELECT FROM users.users WHERE id = $1 FOR NO KEY UPDATE', [person.id]);
    await reset.query('DELETE FROM users.challenges WHERE user_id = $1', [person.id]);
    const answer = factors.post(PASSKEYS, { name: 'Phone', passkey }, person);
    await Promise.race([answer, reset.hasWaiter()]);
    await reset.commit();
    expect(await answer).toMatchObject({ status: 400, body: { code: 'passkey_not_accepted' } });
  });

  it('is not made twice, nor more than twenty times', async () => {
    const [owner, other] = [await factors.withPasskey(), await users.registered()];
    const again = await factors.attest(other, owner.device);
    const add =
      (passkey: object, as = other) =>
      () =>
        factors.post(PASSKEYS, { name: 'Phone', passkey }, as);
    await users.expectRefusal(add(again), 400, 'passkey_not_accepted');
    await users.sql.query(
      `INSERT INTO users.passkeys
       SELECT uuidv7(), $1, 'n', 'c' || n, '', 0, '{}', false, now() FROM generate_series(1, 19) n`,
      [other.id],
    );
    const raise = `UPDATE users.sessions SET aal = 2 WHERE user_id = $1`;
    await users.sql.query(raise, [other.id]);
    const { body } = await users.refresh(other.refreshToken);
    const token = { ...other, token: body.accessToken as string };
    const twentieth = await factors.attest(token, new SoftwareAuthenticator());
    expect((await add(twentieth, token)()).status).toBe(201);
    const excess = await factors.attest(token, new SoftwareAuthenticator());
    await users.expectRefusal(add(excess, token), 409, 'passkey_limit_reached');
  });

  it.each([...FAULTS, ['over another challenge', { challenge: 'A'.repeat(43) }] as [string, Faults]])(
    'is not accepted %s',
    async (_, faults) => {
      const passkey = await factors.attest(anybody, new SoftwareAuthenticator(), faults);
      const add = () => factors.post(PASSKEYS, { name: 'Phone', passkey }, anybody);
      await users.expectRefusal(add, 400, 'passkey_not_accepted');
    },
  );

  it('is not accepted twice, late, or from somebody else', async () => {
    const [person, other] = [await users.registered(), await users.registered()];
    const add =
      (passkey: object, by = person) =>
      () =>
        factors.post(PASSKEYS, { name: 'Phone', passkey }, by);
    const passkey = await factors.attest(person, new SoftwareAuthenticator());
    await users.expectRefusal(add(passkey, other), 400, 'passkey_not_accepted');
    await users.later(FIVE_MINUTES_MS + 1, () =>
      users.expectRefusal(add(passkey), 400, 'passkey_not_accepted'),
    );
    expect((await add(passkey)()).status).toBe(201);
    await users.expectRefusal(add(passkey), 400, 'passkey_not_accepted');
  });

  it('is accepted whatever its authenticator says of its make, which nobody looks up', async () => {
    const person = await users.registered();
    const fields = new Map([['sig', new Uint8Array(8)]]);
    const statement = { statement: { format: 'packed', fields } };
    const passkey = await factors.attest(person, new SoftwareAuthenticator(), statement);
    const { status } = await factors.post(PASSKEYS, { name: 'Phone', passkey }, person);
    expect(status).toBe(201);
  });

  it('keeps the ways to reach it that WebAuthn knows, and drops what else it is said to have', async () => {
    const person = await users.registered();
    const passkey = await factors.attest(person, new SoftwareAuthenticator());
    const transports = ['internal', 'a\u0000b', '\ud800', 'x"},{', 'smart-card', 'usb'];
    const said = { ...passkey, response: { ...passkey.response, transports } };
    const added = await factors.post(PASSKEYS, { name: 'Phone', passkey: said }, person);
    expect(added).toMatchObject({ status: 201 });
    const { rows } = await users.sql.query('SELECT transports FROM users.passkeys WHERE user_id = $1', [
      person.id,
    ]);
    expect(rows).toEqual([{ transports: ['internal', 'smart-card', 'usb'] }]);
  });

  it.each<[string, object, string]>([
    ['no attestation', { name: 'Phone' }, '/passkey'],
    ['what is no base64url', { name: 'Phone', passkey: { id: '+' } }, '/passkey/id'],
    ['no name', { name: ' ', passkey: {} }, '/name'],
  ])('is not made of %s', async (_, body, pointer) => {
    const code = expect.any(String) as string;
    const add = () => factors.post(PASSKEYS, body, anybody);
    await users.expectRefusal(add, 400, 'validation_failed', { pointer, code });
  });
});

describe('a log-in with a passkey alone', () => {
  it('opens a session with two factors', async () => {
    const owner = await factors.withPasskey();
    const options = await users.app.call('POST', PASSKEY_LOGIN_OPTIONS);
    expect(options).toMatchObject({
      status: 200,
      body: { rpId: 'localhost', userVerification: 'required', allowCredentials: [] },
    });
    const { status, body } = await factors.loginWithPasskey(owner.device);
    expect({ status, user: body.user?.id }).toEqual({ status: 200, user: owner.id });
    expect(amrOf(body.accessToken)).toEqual({ acr: 'aal2', amr: ['hwk', 'user', 'mfa'] });
    const refreshed = await users.refresh(body.refreshToken);
    expect(amrOf(refreshed.body.accessToken).acr).toBe('aal2');
    const { body: state } = await users.app.get(STATUS, { token: body.accessToken });
    expect(state.passkeys[0].lastUsedAt).toEqual(expect.any(String));
  });

  it('works again and again with a passkey of a cloud, which does not count', async () => {
    const { device } = await factors.withPasskey(undefined, new SoftwareAuthenticator(false));
    await factors.loginWithPasskey(device);
    const { status, body } = await factors.loginWithPasskey(device);
    expect([status, amrOf(body.accessToken).amr]).toEqual([200, ['swk', 'user', 'mfa']]);
  });

  it.each<[string, Faults]>([
    ...FAULTS,
    ['with a signature over something else', { forged: true }],
    ['in the name of another user', { userHandle: 'A'.repeat(22) }],
  ])('is refused %s', async (_, faults) => {
    const { body } = await users.app.call('POST', PASSKEY_LOGIN_OPTIONS);
    const passkey = somebody.device.get(body, faults);
    const login = () => factors.post(PASSKEY_LOGIN, { passkey });
    // The challenge is spent by that.
    await users.expectRefusal(login, 401, 'invalid_passkey', undefined, ['challenges']);
  });

  it('is refused when the count of signatures went back or stood still: it is a copy', async () => {
    const { device } = await factors.withPasskey();
    expect((await factors.loginWithPasskey(device, { signCount: 7 })).status).toBe(200);
    for (const signCount of [7, 6, 0]) {
      const { status, body } = await factors.loginWithPasskey(device, { signCount });
      expect([status, body.code]).toEqual([401, 'invalid_passkey']);
    }
    const copies = Array.from({ length: 10 }, () => factors.loginWithPasskey(device, { signCount: 8 }));
    const statuses = (await Promise.all(copies)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array<number>(9).fill(401)]);
  });

  it('is refused with a passkey that nobody has, in the same words', async () => {
    const stranger = new SoftwareAuthenticator();
    stranger.create({ challenge: 'x', user: { id: 'A'.repeat(22) } });
    const { body } = await users.app.call('POST', PASSKEY_LOGIN_OPTIONS);
    const passkey = stranger.get(body);
    const login = () => factors.post(PASSKEY_LOGIN, { passkey });
    // The challenge is spent by that.
    await users.expectRefusal(login, 401, 'invalid_passkey', undefined, ['challenges']);
  });

  it('is good once, for five minutes, and for one of 20 calls at once', async () => {
    const { device } = await factors.withPasskey();
    const { body: options } = await users.app.call('POST', PASSKEY_LOGIN_OPTIONS);
    const passkey = device.get(options);
    const login = () => factors.post(PASSKEY_LOGIN, { passkey });
    await users.later(FIVE_MINUTES_MS + 1, () => users.expectRefusal(login, 400, 'invalid_or_expired_token'));
    const answers = await Promise.all(Array.from({ length: 20 }, login));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(19).fill(400)]);
    await users.expectRefusal(login, 400, 'invalid_or_expired_token');
  });

  it('takes no challenge that was given out for something else', async () => {
    const owner = await factors.withPasskey();
    const { challengeToken } = await factors.challenged(owner);
    for (const challenge of [challengeToken, 'A'.repeat(43)] as string[]) {
      const passkey = owner.device.get({ challenge });
      const login = () => factors.post(PASSKEY_LOGIN, { passkey });
      await users.expectRefusal(login, 400, 'invalid_or_expired_token');
    }
    const passkey = await factors.assertion(owner, owner.device);
    const login = () => factors.post(PASSKEY_LOGIN, { passkey });
    await users.expectRefusal(login, 400, 'invalid_or_expired_token');
  });
});

describe('a passkey after the password', () => {
  it('signs the options of the problem, and opens a session with two factors', async () => {
    const { device, ...owner } = await factors.withPasskey();
    const { challengeToken, methods, passkeyOptions } = await factors.challenged(owner);
    expect(methods).toEqual(['passkey', 'recoveryCode']);
    expect(passkeyOptions).toMatchObject({
      ...{ rpId: 'localhost', userVerification: 'required' },
      allowCredentials: [{ id: device.credentialId }],
    });
    const passkey = device.get(passkeyOptions);
    const { status, body } = await factors.post(SECOND_FACTOR, { challengeToken, passkey });
    expect([status, amrOf(body.accessToken)]).toEqual([200, { acr: 'aal2', amr: ['pwd', 'hwk', 'mfa'] }]);
    const replay = () => factors.post(SECOND_FACTOR, { challengeToken, passkey });
    await users.expectRefusal(replay, 400, 'invalid_or_expired_token');
  });

  it.each<[string, Faults]>([
    ...FAULTS,
    ['over another challenge', { challenge: 'A'.repeat(43) }],
    ['with a signature over something else', { forged: true }],
  ])('is refused %s', async (_, faults) => {
    const { challengeToken, passkeyOptions } = await factors.challenged(somebody);
    const finish = (wrong?: Faults) => () =>
      factors.post(SECOND_FACTOR, { challengeToken, passkey: somebody.device.get(passkeyOptions, wrong) });
    await users.expectRefusal(finish(faults), 403, 'wrong_second_factor');
    // Without the fault it is right, and those that were wrong before are forgotten.
    expect(await finish()()).toMatchObject({ status: 200 });
  });

  it('of somebody else is refused, there and in a step-up', async () => {
    const [owner, other] = [await factors.withPasskey(), await factors.withPasskey()];
    const { challengeToken, passkeyOptions } = await factors.challenged(owner);
    const ownersHandle = owner.device.get(passkeyOptions).response.userHandle!;
    for (const faults of [{}, { userHandle: ownersHandle }]) {
      const passkey = other.device.get(passkeyOptions, faults);
      const finish = () => factors.post(SECOND_FACTOR, { challengeToken, passkey });
      await users.expectRefusal(finish, 403, 'wrong_second_factor');
    }
    const theirs = await factors.assertion(other, other.device);
    const raise = () => factors.post(STEP_UP, { passkey: theirs }, owner);
    await users.expectRefusal(raise, 403, 'wrong_second_factor');
  });
});

describe('a challenge', () => {
  it('is good for nothing but what it was given out for', async () => {
    const owner = await factors.withPasskey();
    const { challengeToken } = await factors.challenged(owner);
    const optionsOf = async (path: string, body?: object) => {
      const { status, body: options } = await users.app.call('POST', path, { token: owner.token, body });
      expect(status).toBe(200);
      return options.challenge as string;
    };
    const raise = await optionsOf(`${STEP_UP}/passkey-options`);
    const { device } = owner;

    // Or an access token alone would make a new session, without the password.
    const finish = () =>
      factors.post(SECOND_FACTOR, { challengeToken: raise, passkey: device.get({ challenge: raise }) });
    await users.expectRefusal(finish, 400, 'invalid_or_expired_token');
    const stepUp = () => factors.post(STEP_UP, { passkey: device.get({ challenge: challengeToken }) }, owner);
    await users.expectRefusal(stepUp, 403, 'wrong_second_factor');
    const raised = await factors.raised(owner, { passkey: device.get({ challenge: raise }) });
    const creation = await factors.post(PASSKEY_OPTIONS, { password: PASSWORD }, raised);
    const login = () => {
      const { challenge } = creation.body as { challenge: string };
      return factors.post(SECOND_FACTOR, { challengeToken: challenge, passkey: device.get({ challenge }) });
    };
    await users.expectRefusal(login, 400, 'invalid_or_expired_token');
    const second = new SoftwareAuthenticator();
    const add = () => {
      const passkey = second.create({ ...(creation.body as object), challenge: challengeToken });
      return factors.post(PASSKEYS, { name: 'Other', passkey }, raised);
    };
    await users.expectRefusal(add, 400, 'passkey_not_accepted');
    const passkey = device.get({ challenge: challengeToken });
    expect(await factors.post(SECOND_FACTOR, { challengeToken, passkey })).toMatchObject({ status: 200 });
  });
});

describe('a step-up with a passkey', () => {
  it('takes each signature once', async () => {
    const owner = await factors.withPasskey();
    const passkey = await factors.assertion(owner, owner.device);
    const raised = await factors.raised(owner, { passkey });
    expect(amrOf(raised.token)).toEqual({ acr: 'aal2', amr: ['pwd', 'hwk', 'mfa'] });
    const replay = () => factors.post(STEP_UP, { passkey }, owner);
    await users.expectRefusal(replay, 403, 'wrong_second_factor');
  });

  it('is offered to nobody who has none', async () => {
    const owner = await factors.withApp();
    const begin = () => users.app.call('POST', `${STEP_UP}/passkey-options`, { token: owner.token });
    await users.expectRefusal(begin, 409, 'no_passkey');
  });
});

describe('the data of somebody with a passkey', () => {
  it('are exported without the key, and erased', async () => {
    const owner = await factors.withPasskey();
    const { body } = await users.app.get(`${ME}/export`, { token: owner.token });
    const { id, name, synced, createdAt, lastUsedAt } = body.secondFactor.passkeys[0] as Record<
      string,
      unknown
    >;
    expect(body.secondFactor.passkeys).toEqual([{ id, name, synced, createdAt, lastUsedAt }]);
    const raised = await factors.raised(owner, { passkey: await factors.assertion(owner, owner.device) });
    const erasure = { token: raised.token, body: { password: PASSWORD } };
    expect(await users.app.call('DELETE', ME, erasure)).toMatchObject({ status: 204 });
    const { rows } = await users.sql.query('SELECT id FROM users.passkeys WHERE user_id = $1', [owner.id]);
    expect(rows).toEqual([]);
    expect(await factors.loginWithPasskey(owner.device)).toMatchObject({ status: 401 });
  });
});
