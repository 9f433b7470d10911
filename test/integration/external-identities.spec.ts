import { generateKeyPair, type JWTHeaderParameters, type JWTPayload } from 'jose';
import { Clock, newId } from '#kernel';
import { Config } from '#platform/config';
import { createApi } from '../../apps/api/src/create-api.js';
import { rotateSecret } from '../../apps/cli/src/rotate-secret.js';
import { eventually } from '../support/eventually.js';
import { OpenTransaction } from '../support/open-transaction.js';
import { AUDIENCE, OutsideIssuer } from '../support/outside-issuer.js';
import { SecondFactorFixture, STEP_UP } from '../support/second-factor-fixture.js';
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
  RESET_PASSWORD,
  type SignedIn,
  USERS,
  UsersFixture,
} from '../support/users-fixture.js';

const IDENTITIES = `${ME}/identities`;

let issuer: OutsideIssuer;
let users: UsersFixture;

beforeAll(async () => {
  issuer = await OutsideIssuer.start();
  users = await UsersFixture.start({
    ...issuer.settings,
    ...{ OIDC_ROLE_CLAIM: 'realm_access.roles', OIDC_ROLES: 'warehouse=staff,it=admin' },
    SECOND_FACTOR_FOR: 'admin',
  });
});
afterAll(async () => {
  await users.stop();
  await issuer.stop();
});

const me = (token: string): Promise<Answer> => users.app.get(ME, { token });
/** A token of whoever logs in at the provider after this moment. */
const loggedInAgain = (claims: JWTPayload) =>
  issuer.token({ ...claims, iat: Math.floor(Date.now() / 1_000) + 2 });
const realm = (...roles: string[]) => ({ realm_access: { roles } });

/** Rows of users by their address. */
async function accountsOf(email: unknown): Promise<{ id: string; identities: number }[]> {
  const { rows } = await users.sql.query<{ id: string; identities: number }>(
    `SELECT id, (SELECT count(*)::integer FROM users.external_identities WHERE user_id = u.id) AS identities
       FROM users.users u WHERE email = $1`,
    [email],
  );
  return rows;
}

/** A registered customer whose address is confirmed or not. */
async function local({ isVerified }: { isVerified: boolean }) {
  const person = await users.registered();
  const verifiedAt = isVerified ? new Date() : null;
  await users.sql.query('UPDATE users.users SET email_verified_at = $2 WHERE id = $1', [
    person.id,
    verifiedAt,
  ]);
  return person;
}

/** Somebody whose address is confirmed, and who logs in with an authenticator app as well. */
async function withSecondFactor() {
  const person = await local({ isVerified: true });
  await users.sql.query(
    `INSERT INTO users.totp (user_id, sealed_secret, created_at, confirmed_at) VALUES ($1, '', now(), now())`,
    [person.id],
  );
  return person;
}

describe('who comes with a token of the outside provider for the first time', () => {
  it('gets an account: a customer, with a proven address and without a password', async () => {
    const email = `${newId()}@example.com`;
    const token = await issuer.token({ email: email.toUpperCase(), name: 'Grace Hopper' });
    const { status, body } = await me(token);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { email, name: 'Grace Hopper', role: 'customer', emailVerified: true },
    });
    expect((await me(token)).body).toEqual(body);
    const { rows } = await users.sql.query('SELECT type FROM platform.outbox WHERE aggregate_id = $1', [
      body.id,
    ]);
    expect(rows).toEqual([{ type: 'steelyard.user.registered.v1' }]);
    const login = await users.app.post(LOGIN, { email, password: PASSWORD });
    expect([login.status, login.body.code]).toEqual([401, 'invalid_credentials']);
  });

  it('is one user, of 20 calls at once', async () => {
    const claims = issuer.claims();
    const tokens = await Promise.all(Array.from({ length: 20 }, () => issuer.token(claims)));
    const answers = await Promise.all(tokens.map(me));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.id as string)).size).toBe(1);
    expect(await accountsOf(claims['email'])).toEqual([{ id: answers[0]!.body.id, identities: 1 }]);
  });

  it('stays who they are when their address changes at the provider', async () => {
    const sub = newId();
    const { body } = await me(await issuer.token({ sub }));
    const token = await issuer.token({ sub, email: `${newId()}@example.com` });
    expect((await me(token)).body).toEqual(body);
  });

  it('is asked about at the provider where the token says no address', async () => {
    const sub = newId();
    const email = `${newId()}@example.com`;
    const bare = () => issuer.token({ sub, email: undefined, email_verified: undefined });
    issuer.userInfo = undefined;
    expect(await me(await bare())).toMatchObject({
      status: 403,
      body: { code: 'identity_email_unverified' },
    });
    issuer.userInfo = { sub: newId(), email, email_verified: true };
    expect(await me(await bare())).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
    issuer.userInfo = { sub, email, email_verified: true };
    expect(await me(await bare())).toMatchObject({ status: 200, body: { email } });
  });

  it('is nobody with an address that the provider does not vouch for', async () => {
    const email = `${newId()}@example.com`;
    for (const more of [{ email_verified: false }, { email_verified: undefined }]) {
      const answer = await me(await issuer.token({ email, ...more }));
      expect([answer.status, answer.body.code]).toEqual([403, 'identity_email_unverified']);
    }
    expect(await accountsOf(email)).toEqual([]);
  });
});

describe('who comes for the first time to what asks for no token', () => {
  let limited: UsersFixture;
  beforeAll(async () => {
    const limits = { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_REQUESTS_PER_MINUTE: '5' };
    limited = await UsersFixture.start({ ...issuer.settings, ...limits });
  });
  afterAll(() => limited.stop());

  it('is nobody there, asked about nowhere, and counted by their address until they are somebody', async () => {
    const sub = newId();
    issuer.userInfo = { sub, email: `${newId()}@example.com`, email_verified: true };
    const token = await issuer.token({ sub, email: undefined });
    const before = await limited.stored();
    issuer.requests.length = 0;
    for (const path of ['/api/v1/nowhere', '/.well-known/jwks.json', '/docs/errors']) {
      expect((await limited.app.get(path, { token })).status).toBe(path === '/api/v1/nowhere' ? 404 : 200);
    }
    expect(await limited.stored()).toEqual(before);
    expect(issuer.requests).not.toContain('/userinfo');

    const lefts: unknown[] = [];
    for (let count = 0; count < 2; count += 1) {
      const { status, headers } = await limited.app.get(ME, { token });
      lefts.push([status, /^"requests";r=(\d)/.exec(headers.get('ratelimit') ?? '')?.[1]]);
    }
    expect(lefts).toEqual([
      [200, '1'],
      [200, '4'],
    ]);
  });
});

describe('whose address an account has already', () => {
  it('is linked to it where both sides have proven it, and keeps the password', async () => {
    const person = await local({ isVerified: true });
    const token = await issuer.token({ email: person.email });
    expect(await me(token)).toMatchObject({ status: 200, body: { id: person.id } });
    expect(await accountsOf(person.email)).toEqual([{ id: person.id, identities: 1 }]);
    expect((await users.signIn(person.email, PASSWORD)).id).toBe(person.id);
  });

  it.each<[string, () => Promise<{ email: string }>, object, string]>([
    [
      'who has not proven it here',
      () => local({ isVerified: false }),
      { email_verified: true },
      'identity_email_taken',
    ],
    [
      'who has not proven it there',
      () => local({ isVerified: true }),
      { email_verified: false },
      'identity_email_unverified',
    ],
    ['that has a second factor', withSecondFactor, { amr: ['mfa'] }, 'identity_email_taken'],
    ['of staff', () => Promise.resolve(users.staff), { email_verified: true }, 'identity_email_taken'],
    ['of an administrator', () => Promise.resolve(users.admin), { amr: ['mfa'] }, 'identity_email_taken'],
  ])('is not linked to the account %s', async (_, account, more, code) => {
    const { email } = await account();
    const token = await issuer.token({ email, ...realm('it'), ...more });
    await users.expectRefusal(() => me(token), 403, code);
    expect((await accountsOf(email))[0]).toMatchObject({ identities: 0 });
  });

  it('is one of two who come at the same moment, by registration or by the provider', async () => {
    const person = registration();
    const tokens = await Promise.all(Array.from({ length: 5 }, () => issuer.token({ email: person.email })));
    const answers = await Promise.all([users.app.post(USERS, person), ...tokens.map(me)]);
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
    expect(await accountsOf(person.email)).toHaveLength(1);
  });
});

describe('the role of a token', () => {
  const listUsers = async (more: JWTPayload) =>
    (await users.app.get(USERS, { token: await issuer.token(more) })).status;
  const listKeys = async (more: JWTPayload) =>
    (await users.app.get('/api/v1/api-keys', { token: await issuer.token(more) })).status;

  it('is what its claim says, and not the role of the account', async () => {
    const sub = newId();
    expect(await listUsers({ sub })).toBe(403);
    expect(await listUsers({ sub, ...realm('guests') })).toBe(403);
    expect(await listUsers({ sub, ...realm('guests', 'warehouse') })).toBe(200);
    const { body } = await me(await issuer.token({ sub, ...realm('it') }));
    expect(body.role).toBe('customer');
    await users.sql.query(`UPDATE users.users SET role = 'staff' WHERE id = $1`, [body.id]);
    expect(await listUsers({ sub })).toBe(403);
  });

  it('opens what asks for a second factor where the provider says that there was one', async () => {
    const sub = newId();
    expect(await listKeys({ sub, ...realm('warehouse'), amr: ['mfa'] })).toBe(403);
    expect(await listKeys({ sub, ...realm('it'), amr: ['pwd'] })).toBe(403);
    expect(await listKeys({ sub, ...realm('it'), amr: ['pwd', 'otp'] })).toBe(200);
    expect(await listKeys({ sub, ...realm('it'), acr: 'aal2' })).toBe(200);
  });

  it('is raised at the provider, and not by a step-up here', async () => {
    const stepUp = await users.app.post(STEP_UP, { totp: '123456' }, { token: await issuer.token() });
    expect(stepUp).toMatchObject({ status: 409, body: { code: 'no_second_factor' } });
  });

  it('and the log-in at the provider are in the audit log', async () => {
    const claims = { sub: newId(), sid: 'session-1', ...realm('it'), amr: ['mfa'] };
    const make = async () =>
      users.app.post(
        '/api/v1/api-keys',
        { name: 'Till', scopes: ['orders:read'] },
        { token: await issuer.token(claims) },
      );
    expect((await make()).status).toBe(201);
    expect((await make()).status).toBe(201);
    const { body } = await me(await issuer.token(claims));
    const { rows } = await users.sql.query(
      'SELECT DISTINCT role, session_id AS "sessionId" FROM platform.audit_log WHERE actor = $1',
      [`user:${body.id}`],
    );
    expect(rows).toEqual([{ role: 'admin', sessionId: expect.stringMatching(/^[0-9a-f-]{36}$/) }]);
  });
});

describe('the data of who comes from outside', () => {
  it('are exported with the identity, erased with it, and not brought back by a token from before', async () => {
    const sub = newId();
    const claims = issuer.claims({ sub });
    const token = await issuer.token(claims);
    const { body: before } = await me(token);
    const exported = await users.app.get(`${ME}/export`, { token });
    expect(exported.body.externalIdentities).toEqual([
      {
        ...{ id: expect.any(String), issuer: issuer.url, subject: sub },
        ...{ linkedAt: expect.any(String), lastUsedAt: expect.any(String) },
      },
    ]);

    // Whoever has no password gets one by mail.
    const erase = (password: string, as = token) =>
      users.app.call('DELETE', ME, { token: as, body: { password } });
    expect(await erase(PASSWORD)).toMatchObject({ status: 403, body: { code: 'wrong_password' } });
    await users.app.post(FORGOT_PASSWORD, { email: before.email });
    const mailed = await users.tokenFor(before.email as string);
    expect((await users.app.post(RESET_PASSWORD, { token: mailed, password: PASSWORD })).status).toBe(204);
    expect((await erase(PASSWORD, await loggedInAgain(claims))).status).toBe(204);

    const { rows } = await users.sql.query('SELECT FROM users.external_identities WHERE subject = $1', [sub]);
    expect(rows).toEqual([]);
    await users.expectRefusal(() => me(token), 401, 'invalid_token');
    const { status, body: after } = await me(await loggedInAgain(claims));
    expect(status).toBe(200);
    expect(after.id).not.toBe(before.id);
    expect(after.email).toBe(before.email);
    await users.expectRefusal(() => me(token), 401, 'invalid_token');
  });
});

describe('a link', () => {
  /** Somebody with a password and a link, and the claims by which they came. */
  async function linked() {
    const person = await local({ isVerified: true });
    const claims = issuer.claims({ email: person.email });
    const token = await issuer.token(claims);
    expect((await me(token)).body.id).toBe(person.id);
    return { person, claims, outside: token };
  }
  const identitiesOf = (token: string, query = '') => users.app.get(`${IDENTITIES}${query}`, { token });
  const subjectsTo = async (email: string) => (await users.mailsTo(email)).map(({ subject }) => subject);
  const byAdmin = async (method: string, path: string, body: object, version = 1) => {
    const token = await issuer.token({ ...realm('it'), amr: ['mfa'] });
    const headers = { 'if-match': `"${version}"` };
    const answer = await users.app.call(method, `${USERS}/${path}`, { token, body, headers });
    expect(answer).toMatchObject({ status: 200 });
  };

  it.each<[string, (person: SignedIn, outside: string) => Promise<unknown>, number]>([
    [
      'a new password',
      async ({ email }) => {
        await users.app.post(FORGOT_PASSWORD, { email });
        const token = await users.tokenFor(email);
        return users.app.post(RESET_PASSWORD, { token, password: PASSWORD });
      },
      200,
    ],
    [
      'a new password that is chosen with its own token',
      async (_, token) => {
        const body = { currentPassword: PASSWORD, password: 'another horse battery' };
        expect((await users.app.call('PUT', `${ME}/password`, { token, body })).status).toBe(204);
      },
      200,
    ],
    [
      'another address',
      async ({ token }) => {
        const email = `${newId()}@example.com`;
        await users.app.post(EMAIL_CHANGE, { email, password: PASSWORD }, { token });
        const mailed = await users.tokenFor(email);
        return users.app.post(CONFIRM_EMAIL_CHANGE, { token: mailed, password: PASSWORD });
      },
      200,
    ],
    ['another address, by staff', ({ id }) => byAdmin('PATCH', id, { email: `${newId()}@example.com` }), 200],
    ['a role among staff', ({ id }) => byAdmin('PUT', `${id}/role`, { role: 'staff' }), 403],
    ['a second factor', (person) => new SecondFactorFixture(users).withApp(person), 403],
  ])(
    'ends with %s, which the person is told, and a token from before is refused',
    async (_, change, again) => {
      const { person, claims, outside } = await linked();
      await change(person, outside);
      const links = 'SELECT FROM users.external_identities WHERE user_id = $1';
      expect((await users.sql.query(links, [person.id])).rows).toEqual([]);
      await users.expectRefusal(() => me(outside), 401, 'invalid_token');
      expect(await subjectsTo(person.email)).toEqual(
        expect.arrayContaining([
          'A log-in elsewhere opens your account',
          'A log-in elsewhere no longer opens your account',
        ]),
      );
      // By the rules of the first time: staff are not linked, and who has left the address is somebody else.
      expect((await me(await loggedInAgain(claims))).status).toBe(again);
      // The new link is not for it either.
      await users.expectRefusal(() => me(outside), 401, 'invalid_token');
    },
  );

  it('stays when a role goes, or a name changes', async () => {
    const { person } = await linked();
    await users.sql.query(`UPDATE users.users SET role = 'staff' WHERE id = $1`, [person.id]);
    await byAdmin('PUT', `${person.id}/role`, { role: 'customer' });
    await byAdmin('PATCH', person.id, { name: 'Augusta' }, 2);
    expect((await identitiesOf(person.token)).body.data).toHaveLength(1);
  });

  it('is not made to an account that becomes one of staff at the same moment', async () => {
    const person = await local({ isVerified: true });
    const promotion = await OpenTransaction.begin(users.app);
    await promotion.query(`UPDATE users.users SET role = 'staff' WHERE id = $1`, [person.id]);
    const answer = me(await issuer.token({ email: person.email }));
    await Promise.race([answer, promotion.hasWaiter()]);
    await promotion.commit();
    expect(await answer).toMatchObject({ status: 403, body: { code: 'identity_email_taken' } });
  });

  it('that has ended is not made again by a call that began before', async () => {
    const person = await local({ isVerified: true });
    const claims = issuer.claims({ email: person.email });
    const { promise, resolve } = Promise.withResolvers<object>();
    issuer.userInfo = promise;
    issuer.requests.length = 0;
    const slow = me(await issuer.token({ ...claims, email: undefined }));
    await eventually(() => expect(issuer.requests).toContain('/userinfo'));
    expect((await me(await issuer.token(claims))).body.id).toBe(person.id);
    const [{ id }] = (await identitiesOf(person.token)).body.data as [{ id: string }];
    const end = await users.app.call('DELETE', `${IDENTITIES}/${id}`, { token: person.token });
    expect(end.status).toBe(204);
    resolve(claims);
    expect(await slow).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
    expect((await identitiesOf(person.token)).body.data).toEqual([]);
  });

  it('that has ended stays so for a token from before until the secret that knew of it is dropped', async () => {
    const { person, outside } = await linked();
    await users.app.post(FORGOT_PASSWORD, { email: person.email });
    const mailed = await users.tokenFor(person.email);
    expect((await users.app.post(RESET_PASSWORD, { token: mailed, password: PASSWORD })).status).toBe(204);
    const { settings } = users.app.app.get(Config);
    const withSecret = async (value: string) => {
      const api = await createApi({ ...settings, APP_SECRET: value });
      await api.listen(0, '127.0.0.1');
      try {
        const headers = { authorization: `Bearer ${outside}` };
        return (await fetch((await api.getUrl()) + ME, { headers })).status;
      } finally {
        await api.close();
      }
    };
    const added = await rotateSecret('APP_SECRET', settings.APP_SECRET!, 'add');
    const promoted = await rotateSecret('APP_SECRET', added, 'promote');
    expect(await withSecret(promoted)).toBe(401);
    expect(await withSecret(await rotateSecret('APP_SECRET', promoted, 'drop'))).toBe(200);
  });

  it('is seen and ended by its owner, and by nobody else', async () => {
    const { person, claims, outside } = await linked();
    const second = issuer.claims({ email: person.email });
    expect((await me(await issuer.token(second))).body.id).toBe(person.id);
    const { body } = await identitiesOf(person.token);
    const view = (subject: unknown) => ({
      ...{ id: expect.any(String), issuer: issuer.url, subject },
      ...{ linkedAt: expect.any(String), lastUsedAt: expect.any(String) },
    });
    expect(body).toEqual({ data: [view(second.sub), view(claims.sub)], nextCursor: null });
    const first = await identitiesOf(person.token, '?limit=1');
    const cursor = encodeURIComponent(first.body.nextCursor as string);
    expect((await identitiesOf(person.token, `?limit=1&cursor=${cursor}`)).body.data).toEqual([body.data[1]]);

    const end = (token: string) => () =>
      users.app.call('DELETE', `${IDENTITIES}/${body.data[1].id as string}`, { token });
    await users.expectRefusal(end(users.customer.token), 404, 'identity_not_found');
    expect((await end(person.token)()).status).toBe(204);
    await users.expectRefusal(end(person.token), 404, 'identity_not_found');
    await users.expectRefusal(() => me(outside), 401, 'invalid_token');
    expect(await subjectsTo(person.email)).toContain('A log-in elsewhere no longer opens your account');
    expect((await identitiesOf(person.token)).body.data).toEqual([body.data[0]]);
  });

  it('says when it was last used, to the minute', async () => {
    const { person, claims } = await linked();
    const lastUse = async () => {
      await me(await issuer.token(claims));
      const { body } = await identitiesOf(person.token);
      return Date.parse(body.data[0].lastUsedAt as string);
    };
    const first = await lastUse();
    expect(await lastUse()).toBe(first);
    await users.later(61_000, async () => expect(await lastUse()).toBeGreaterThan(first + 60_000));
  });
});

describe('guesses at the password with tokens of the provider', () => {
  it('count for the account, whichever token each comes with, and pause no session of ours', async () => {
    const person = await local({ isVerified: true });
    const claims = issuer.claims({ email: person.email });
    const guess = async (jti: string, sid?: string) => {
      const token = await issuer.token({ ...claims, jti, ...(sid && { sid }) });
      const body = { currentPassword: 'not the password', password: 'another horse battery' };
      return (await users.app.call('PUT', `${ME}/password`, { token, body })).status;
    };
    const statuses: number[] = [];
    for (let count = 0; count < 7; count += 1) statuses.push(await guess(newId()));
    expect(statuses).toEqual([...Array<number>(6).fill(403), 429]);
    expect(await guess(newId(), newId())).toBe(429);
    const change = { currentPassword: PASSWORD, password: 'another horse battery' };
    expect(
      await users.app.call('PUT', `${ME}/password`, { token: person.token, body: change }),
    ).toMatchObject({ status: 204 });
  });
});

describe('a token that is not good', () => {
  type Fault = [string, (now: number) => [claims?: JWTPayload, header?: Partial<JWTHeaderParameters>]];
  const roles = realm('it');

  it.each<Fault>([
    ['expired', (now) => [{ exp: now - 6 }]],
    ['not valid yet', (now) => [{ nbf: now + 60 }]],
    ['from the future', (now) => [{ iat: now + 60 }]],
    ['without an end', () => [{ exp: undefined }]],
    ['without a beginning', () => [{ iat: undefined }]],
    ['without a subject', () => [{ sub: undefined }]],
    ['with a subject that cannot be stored', () => [{ sub: 'a\u0000b' }]],
    ['with a subject that is too long', () => [{ sub: 'x'.repeat(256) }]],
    ['without an audience', () => [{ aud: undefined }]],
    ['for another audience', () => [{ aud: 'another-client' }]],
    ['for several others', () => [{ aud: ['another-client', `${AUDIENCE}/more`] }]],
    ['from an issuer that is nearly it', () => [{ iss: `${issuer.url}/` }]],
    ['from us', () => [{ iss: 'steelyard', aud: 'steelyard' }]],
    ['of another type', () => [{}, { typ: 'logout+jwt' }]],
    ['for the client, to say who logged in', () => [{ at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng' }]],
    ['for the client, by its nonce', () => [{ nonce: 'n-0S6_WzA2Mj' }]],
    ['for the client, by the hash of a code', () => [{ c_hash: 'LDktKdoQak3Pk0cnXxCltA' }]],
    ['of a key that nobody knows', () => [{}, { kid: 'unknown' }]],
  ])('%s is refused', async (_, fault) => {
    const now = Math.floor(Date.now() / 1_000);
    const [claims, header] = fault(now);
    const token = await issuer.token({ ...roles, ...claims }, header);
    await users.expectRefusal(() => me(token), 401, 'invalid_token');
  });

  it('because somebody else signed it is refused', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    const token = await issuer.token(roles, {}, privateKey);
    await users.expectRefusal(() => me(token), 401, 'invalid_token');
  });

  it('because nobody signed it, or with what everybody knows, is refused', async () => {
    const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = issuer.claims(roles);
    const jwk = JSON.stringify(await issuer.publicJwk());
    const { kid } = JSON.parse(jwk) as { kid: string };
    const tokens = [
      `${encoded({ alg: 'none', typ: 'at+jwt' })}.${encoded(claims)}.`,
      await issuer.token(claims, { alg: 'HS256', kid }, Buffer.from(jwk)),
      `${(await issuer.token(claims)).split('.').slice(0, 2).join('.')}.`,
    ];
    for (const token of tokens) await users.expectRefusal(() => me(token), 401, 'invalid_token');
  });

  it('is not one whose clock is a little ahead or behind, or whose type says less', async () => {
    const now = Math.floor(Date.now() / 1_000);
    const tokens = [
      issuer.token({ exp: now - 3 }),
      issuer.token({ nbf: now + 3 }),
      issuer.token({ iat: now + 3 }),
      issuer.token({ aud: ['another', AUDIENCE] }),
      issuer.token({}, { typ: 'JWT' }),
      issuer.token({}, { typ: undefined }),
      issuer.token({}, { typ: 'application/at+jwt' }),
      // Clocks that run through the test must not decide it.
    ];
    const clock = users.app.app.get(Clock);
    const tick = clock.now.bind(clock);
    clock.now = () => new Date(now * 1_000);
    try {
      for (const token of tokens) expect((await me(await token)).status).toBe(200);
    } finally {
      clock.now = tick;
    }
  });

  it('while the provider is away is nobody knows what, and our own tokens are what they were', async () => {
    issuer.mood = 'away';
    try {
      // Its keys are known here, and no more.
      expect((await me(await issuer.token())).status).toBe(200);
      expect(await users.signIn('staff@example.com', DEMO_PASSWORD)).toBeDefined();
      expect((await me(users.staff.token)).status).toBe(200);
    } finally {
      issuer.mood = 'well';
    }
  });
});
