import { newId } from '#kernel';
import { Config } from '#platform/config';
import type { JWK } from 'jose';
import { RefreshTokenCodec } from '../../libs/users/src/refresh-token.js';
import { eventually } from '../support/eventually.js';
import { TestApp } from '../support/test-app.js';
import {
  DEMO_PASSWORD,
  EMAIL_CHANGE,
  FORGOT_PASSWORD,
  LOGIN,
  LOGOUT,
  ME,
  PASSWORD,
  REFRESH,
  registration,
  RESEND_VERIFICATION,
  RESET_PASSWORD,
  SESSIONS,
  USERS,
  claimsOf,
  column,
  LONE_SURROGATE,
  NUL,
  UsersFixture,
  VERIFY_EMAIL,
} from '../support/users-fixture.js';

let users: UsersFixture;

beforeAll(async () => {
  users = await UsersFixture.start();
});

afterAll(() => users.stop());

describe('log-in', () => {
  it('gives the tokens of a session', async () => {
    const { email, id } = await users.registered();
    const answer = await users.app.post(LOGIN, { email: email.toUpperCase(), password: PASSWORD });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toEqual({
      accessToken: expect.any(String),
      tokenType: 'Bearer',
      expiresIn: 900,
      refreshToken: expect.any(String),
      user: expect.objectContaining({ id, email }),
    });
    expect((await users.app.get(ME, { token: answer.body.accessToken })).body).toEqual(answer.body.user);
  });

  it('does not tell an unknown address from a wrong password', async () => {
    const attempt = (email: string) => users.app.post(LOGIN, { email, password: 'not the password' });
    const [unknown, wrong] = [await attempt('nobody@example.com'), await attempt(users.customer.email)];
    const { requestId: _, ...problem } = unknown.body;
    expect(wrong.body).toMatchObject(problem);
    expect(unknown.status).toBe(401);
  });

  it('publishes the keys that verify its tokens', async () => {
    const answer = await users.app.get('/.well-known/jwks.json');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
    const { keys } = answer.body as { keys: JWK[] };
    expect(keys).toEqual([
      {
        kty: 'OKP',
        crv: 'Ed25519',
        alg: 'EdDSA',
        use: 'sig',
        x: expect.any(String),
        kid: expect.any(String),
      },
    ]);
    const [header] = users.customer.token.split('.');
    expect(JSON.parse(Buffer.from(header!, 'base64url').toString())).toMatchObject({ kid: keys[0]!.kid });
  });
});

describe('guessing passwords', () => {
  const LIMITED = { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_LOGINS_PER_MINUTE: '1000' };
  const WRONG = 'not the password';
  let guarded: UsersFixture;

  beforeEach(async () => {
    guarded = await UsersFixture.start({ ...LIMITED, TRUSTED_PROXIES: '127.0.0.1' });
  });

  afterEach(() => guarded.stop());

  const attempt = (email: string, password = WRONG, from = '192.0.2.1') =>
    guarded.app.post(LOGIN, { email, password }, { headers: { 'x-forwarded-for': from } });
  /** The statuses of so many attempts at once. */
  async function statusesOf(count: number, make: (index: number) => ReturnType<typeof attempt>) {
    const answers = await Promise.all(Array.from({ length: count }, (_, index) => make(index)));
    return answers.map(({ status }) => status).sort();
  }

  /** Goes on failing until the pause of the address outlasts what a busy machine needs for the next call. */
  const pausedForLong = () =>
    eventually(async () => {
      const { headers } = await attempt(`${newId()}@example.com`);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(6);
    }, 20_000);

  it('pauses an account, whether or not there is one, wherever the guesses come from', async () => {
    for (const email of [guarded.customer.email, 'nobody@example.com']) {
      const statuses = await statusesOf(20, (index) => attempt(email, WRONG, `198.51.100.${index}`));
      expect(statuses).toEqual([...Array<number>(6).fill(401), ...Array<number>(14).fill(429)]);
      const refused = await attempt(email, WRONG, '203.0.113.1');
      expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
      const seconds = Number(refused.headers.get('retry-after'));
      expect(seconds).toBeGreaterThanOrEqual(1);
      expect(refused.headers.get('ratelimit')).toBe(`"login";r=0;t=${seconds}`);
    }
  });

  it('is refused during the pause even with the right password, and forgotten after a log-in', async () => {
    const { email } = guarded.customer;
    await statusesOf(20, () => attempt(email));
    expect((await attempt(email, DEMO_PASSWORD)).status).toBe(429);
    await eventually(async () =>
      expect((await attempt(email, DEMO_PASSWORD, '198.51.100.8')).status).toBe(200),
    );
    expect(await statusesOf(6, () => attempt(email, WRONG, '198.51.100.9'))).toEqual(Array(6).fill(401));
  });

  it('from where nobody has logged in pauses no one at home, who is slowed down apart', async () => {
    const { email } = guarded.customer;
    expect((await attempt(email, DEMO_PASSWORD, '192.0.2.1')).status).toBe(200);
    await statusesOf(20, (index) => attempt(email, WRONG, `198.51.100.${index}`));
    // A network where the last session was opened a month ago is a stranger's again.
    await guarded.later(31 * 86_400_000, async () =>
      expect((await attempt(email, DEMO_PASSWORD, '192.0.2.1')).status).toBe(429),
    );
    expect((await attempt(email, DEMO_PASSWORD, '198.51.100.50')).status).toBe(429);
    expect((await attempt(email, DEMO_PASSWORD, '192.0.2.1')).status).toBe(200);
    const statuses = await statusesOf(20, () => attempt(email, WRONG, '192.0.2.1'));
    expect(statuses).toEqual([...Array<number>(6).fill(401), ...Array<number>(14).fill(429)]);
    expect((await attempt(email, DEMO_PASSWORD, '192.0.2.1')).status).toBe(429);
  });

  it('pauses a network address that tries many accounts, and no other', async () => {
    const statuses = await statusesOf(30, (index) => attempt(`somebody.${index}@example.com`));
    expect(statuses).toEqual([...Array<number>(21).fill(401), ...Array<number>(9).fill(429)]);
    await pausedForLong();
    expect((await attempt(guarded.customer.email, DEMO_PASSWORD)).status).toBe(429);
    expect((await attempt(guarded.customer.email, DEMO_PASSWORD, '198.51.100.7')).status).toBe(200);
  });

  it('behind a shared address pauses nobody who is at home there', async () => {
    const { email } = guarded.customer;
    expect((await attempt(email, DEMO_PASSWORD, '192.0.2.1')).status).toBe(200);
    await statusesOf(21, (index) => attempt(`neighbour.${index}@example.com`));
    await pausedForLong();
    expect((await attempt(guarded.staff.email, DEMO_PASSWORD)).status).toBe(429);
    expect((await attempt(email, DEMO_PASSWORD)).status).toBe(200);
    const statuses = await statusesOf(20, () => attempt(email));
    expect(statuses).toEqual([...Array<number>(6).fill(401), ...Array<number>(14).fill(429)]);
  });

  it('pauses no one who has a session, wherever they are now', async () => {
    const { email, token } = guarded.customer;
    await statusesOf(20, (index) => attempt(email, WRONG, `198.51.100.${index}`));
    const headers = { 'x-forwarded-for': '203.0.113.77' };
    const body = { email: 'new@example.com', password: DEMO_PASSWORD };
    expect((await guarded.app.post(EMAIL_CHANGE, body, { token, headers })).status).toBe(202);
    expect((await attempt(email, DEMO_PASSWORD, '203.0.113.77')).status).toBe(429);
  });

  it('pauses no one who chooses a new password, nor their log-in after that, from wherever', async () => {
    const { email } = await guarded.registered();
    const strangersFail = () => statusesOf(20, (index) => attempt(email, WRONG, `198.51.100.${index}`));
    await strangersFail();
    await guarded.app.post(FORGOT_PASSWORD, { email });
    const body = { token: await guarded.tokenFor(email), password: 'another horse battery' };
    const headers = { 'x-forwarded-for': '203.0.113.77' };
    // Their own mistakes of before, there, are forgotten as well.
    await statusesOf(20, () => attempt(email, WRONG, '203.0.113.77'));
    expect((await guarded.app.post(RESET_PASSWORD, body, { headers })).status).toBe(204);
    await strangersFail();
    expect((await attempt(email, body.password, '203.0.113.78')).status).toBe(429);
    expect((await attempt(email, body.password, '203.0.113.77')).status).toBe(200);
  });

  it('pauses no one who confirms their address with their token and password, nor their log-in after that', async () => {
    const shop = await UsersFixture.start({
      ...{ ...LIMITED, TRUSTED_PROXIES: '127.0.0.1', USERS_EMAIL_VERIFICATION: 'required' },
    });
    try {
      const { email, password } = registration();
      const headers = { 'x-forwarded-for': '203.0.113.77' };
      const login = (claimed: string, from: string) =>
        shop.app.post(LOGIN, { email, password: claimed }, { headers: { 'x-forwarded-for': from } });
      await shop.app.post(USERS, { email, password, name: 'Ada' }, { headers });
      const token = await shop.tokenFor(email);
      await statusesOf(20, (index) => login(WRONG, `198.51.100.${index}`));
      const confirm = (claimed: string) =>
        shop.app.post(VERIFY_EMAIL, { token, password: claimed }, { headers });
      expect(await statusesOf(2, () => confirm(WRONG))).toEqual([403, 403]);
      expect((await confirm(password)).status).toBe(204);
      expect((await login(password, '203.0.113.78')).status).toBe(429);
      expect((await login(password, '203.0.113.77')).status).toBe(200);
    } finally {
      await shop.stop();
    }
  });

  it('beside a mailed token is slowed down, too', async () => {
    const { email } = await guarded.registered();
    await guarded.app.post(RESEND_VERIFICATION, { email });
    const token = await guarded.tokenFor(email);
    const statuses = await statusesOf(20, () => guarded.app.post(VERIFY_EMAIL, { token, password: WRONG }));
    expect(statuses).toEqual([...Array<number>(6).fill(403), ...Array<number>(14).fill(429)]);
  });

  it('pauses an account without rate limits, too, and no network address then', async () => {
    const guess = (email: string) => users.app.post(LOGIN, { email, password: WRONG });
    expect(await statusesOf(8, () => guess('no.limits@example.com'))).toEqual([
      ...[...Array<number>(6).fill(401), 429, 429],
    ]);
    const others = await statusesOf(22, (index) => guess(`somebody.${index}@example.com`));
    expect(new Set(others)).toEqual(new Set([401]));
  });

  it('counts no log-in that succeeds', async () => {
    for (let round = 0; round < 30; round += 1) {
      expect((await attempt(guarded.customer.email, DEMO_PASSWORD)).status).toBe(200);
    }
  });

  it('is slowed down where a password is asked for again, too', async () => {
    const { token } = guarded.customer;
    const body = { email: 'new@example.com', password: WRONG };
    const statuses = await statusesOf(20, () => guarded.app.post(EMAIL_CHANGE, body, { token }));
    expect(statuses).toEqual([...Array<number>(6).fill(403), ...Array<number>(14).fill(429)]);
  });
});

describe('refresh', () => {
  it('replaces the refresh token and gives the role as it is now', async () => {
    const user = await users.registered();
    await users.put(`${USERS}/${user.id}/role`, { role: 'staff' }, users.admin);
    expect((await users.app.get(USERS, { token: user.token })).status).toBe(403);
    const answer = await users.refresh(user.refreshToken);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body.refreshToken).not.toBe(user.refreshToken);
    expect(answer.body.user.role).toBe('staff');
    expect((await users.app.get(USERS, { token: answer.body.accessToken })).status).toBe(200);
  });

  it('works for 200 calls at once with one token, which stay one session', async () => {
    const { id, refreshToken } = await users.registered();
    const answers = await Promise.all(Array.from({ length: 200 }, () => users.refresh(refreshToken)));
    expect(answers.map(({ status }) => status)).toEqual(Array(200).fill(200));
    const tokens = new Set(answers.map(({ body }) => body.refreshToken as string));
    expect(tokens.size).toBe(1);
    const { rows } = await users.sql.query('SELECT generation FROM users.sessions WHERE user_id = $1', [id]);
    expect(rows).toEqual([{ generation: 1 }]);
    expect((await users.refresh([...tokens][0]!)).status).toBe(200);
  });

  it('gives the active token for any that was replaced within ten seconds', async () => {
    const { refreshToken: first } = await users.registered();
    const second = await users.refreshed(first);
    const third = (await users.later(6_000, () => users.refresh(second))).body.refreshToken;
    await users.later(9_000, async () => {
      expect((await users.refresh(first)).body.refreshToken).toBe(third);
      expect((await users.refresh(second)).body.refreshToken).toBe(third);
    });
    await users.later(15_000, async () =>
      expect((await users.refresh(second)).body.refreshToken).toBe(third),
    );
  });

  it.each([
    ['the one before the active', 1],
    ['one long before', 40],
  ])('ends the session when a token is used again later: %s', async (_, replacements) => {
    const { refreshToken } = await users.registered();
    let active = refreshToken;
    for (let round = 0; round < replacements; round += 1) active = await users.refreshed(active);
    await users.later(10_500, async () => {
      const reused = await users.refresh(refreshToken);
      expect([reused.status, reused.body.code]).toEqual([401, 'refresh_token_reused']);
      await users.expectRefusal(() => users.refresh(active), 401, 'invalid_refresh_token');
      await users.expectRefusal(() => users.refresh(refreshToken), 401, 'invalid_refresh_token');
    });
  });

  it('ends with the life of a session, which each use renews', async () => {
    const { refreshToken } = await users.registered();
    const lifetimeMs = 2_592_000_000;
    const next = await users.later(lifetimeMs - 1_000, () => users.refresh(refreshToken));
    expect(next.status).toBe(200);
    const last = await users.later(2 * lifetimeMs - 5_000, () => users.refresh(next.body.refreshToken));
    expect(last.status).toBe(200);
    await users.later(3 * lifetimeMs, () =>
      users.expectRefusal(() => users.refresh(last.body.refreshToken), 401, 'invalid_refresh_token'),
    );
  });

  it('goes on after a change of the application secret', async () => {
    const { refreshToken } = await users.registered();
    const active = await users.refreshed(refreshToken);
    const restarted = await TestApp.start({ DATABASE_URL: users.app.database.url });
    try {
      const next = await restarted.post(REFRESH, { refreshToken: active });
      expect(next.status).toBe(200);
      const before = await restarted.post(REFRESH, { refreshToken });
      expect([before.status, before.body.code]).toEqual([401, 'invalid_refresh_token']);
      expect((await restarted.post(REFRESH, { refreshToken: next.body.refreshToken })).status).toBe(200);
    } finally {
      await restarted.stop();
    }
  });

  /** Changes the bytes of a refresh token: session id 0 to 15, generation 16 to 19, seed 20 to 51, MAC from 52. */
  function altered(token: string, change: (bytes: Buffer) => void): string {
    const bytes = Buffer.from(token, 'base64url');
    change(bytes);
    return bytes.toString('base64url');
  }

  it.each([
    ['another seed', (b: Buffer) => b.fill(7, 20, 52)],
    ['another MAC', (b: Buffer) => b.fill(7, 52)],
    ['the generation before the active one', (b: Buffer) => b.writeUInt32BE(1, 16)],
    ['the active generation', (b: Buffer) => b.writeUInt32BE(2, 16)],
    ['a generation to come', (b: Buffer) => b.writeUInt32BE(3, 16)],
    ['the largest generation', (b: Buffer) => b.fill(0xff, 16, 20)],
    ['another session', (b: Buffer) => b.fill(7, 0, 16)],
  ])('refuses an old token with %s, and the session goes on', async (_, change) => {
    const { refreshToken } = await users.registered();
    const active = (await users.refresh((await users.refresh(refreshToken)).body.refreshToken)).body
      .refreshToken;
    await users.expectRefusal(
      () => users.refresh(altered(refreshToken, change)),
      401,
      'invalid_refresh_token',
    );
    expect((await users.refresh(active)).status).toBe(200);
  });

  it('refuses an old token that was made with the key of the server but without having held one', async () => {
    const { token, refreshToken } = await users.registered();
    const active = await users.refreshed(refreshToken);
    const codec = new RefreshTokenCodec(users.app.app.get(Config).appSecrets);
    const forged = codec.first(claimsOf(token)['sid'] as string).text;
    await users.expectRefusal(() => users.refresh(forged), 401, 'invalid_refresh_token');
    expect((await users.refresh(active)).status).toBe(200);
  });

  it.each([
    ['empty', '', 401, 'invalid_refresh_token'],
    ['a word', 'token', 401, 'invalid_refresh_token'],
    ['an access token', 'eyJhbGciOiJub25lIn0.e30.', 401, 'invalid_refresh_token'],
    ['of the right length only', 'A'.repeat(112), 401, 'invalid_refresh_token'],
    ['odd Unicode', `${NUL}${LONE_SURROGATE}`, 401, 'invalid_refresh_token'],
    ['too long', 'A'.repeat(513), 400, 'validation_failed'],
    ['a number', 1e300, 400, 'validation_failed'],
    ['null', null, 400, 'validation_failed'],
  ])('refuses a token that is %s', async (_, refreshToken, status, code) => {
    await users.expectRefusal(() => users.app.post(REFRESH, { refreshToken }), status, code);
  });
});

describe('log-out', () => {
  it('ends the session, and again without harm', async () => {
    const { refreshToken } = await users.registered();
    expect((await users.app.post(LOGOUT, { refreshToken })).status).toBe(204);
    expect((await users.app.post(LOGOUT, { refreshToken })).status).toBe(204);
    await users.expectRefusal(() => users.refresh(refreshToken), 401, 'invalid_refresh_token');
  });

  it('takes a token that was replaced', async () => {
    const { refreshToken } = await users.registered();
    const active = await users.refreshed(refreshToken);
    expect((await users.app.post(LOGOUT, { refreshToken })).status).toBe(204);
    await users.expectRefusal(() => users.refresh(active), 401, 'invalid_refresh_token');
  });

  it.each([['nonsense'], ['A'.repeat(112)], ['']])(
    'changes nothing for the token "%s"',
    async (refreshToken) => {
      const before = await users.stored();
      expect((await users.app.post(LOGOUT, { refreshToken })).status).toBe(204);
      expect(await users.stored()).toEqual(before);
    },
  );
});

describe('my sessions', () => {
  const sessionIdOf = ({ token }: { token: string }) => claimsOf(token)['sid'] as string;

  it('are listed newest first, page by page, without those that have ended', async () => {
    const { email, ...first } = await users.registered();
    const second = await users.signIn(email, PASSWORD);
    const third = await users.signIn(email, PASSWORD);
    const ended = await users.signIn(email, PASSWORD);
    await users.app.post(LOGOUT, { refreshToken: ended.refreshToken });
    const expired = sessionIdOf(await users.signIn(email, PASSWORD));
    await users.sql.query('UPDATE users.sessions SET expires_at = now() WHERE id = $1', [expired]);

    const page = await users.app.get(`${SESSIONS}?limit=2`, { token: first.token });
    const rest = await users.app.get(`${SESSIONS}?limit=2&cursor=${page.body.nextCursor}`, {
      token: first.token,
    });
    expect([...column(page, 'id'), ...column(rest, 'id')]).toEqual([third, second, first].map(sessionIdOf));
    expect(rest.body).toEqual({
      data: [
        {
          id: sessionIdOf(first),
          current: true,
          createdAt: expect.any(String),
          lastUsedAt: expect.any(String),
          expiresAt: expect.any(String),
          ...{ aal: 1, amr: ['pwd'], userAgent: 'node', address: '127.0.0.1' },
        },
      ],
      nextCursor: null,
    });
  });

  it('tell what opened them, in so many words as can be shown', async () => {
    const { email } = await users.registered();
    const open = async (userAgent: string) => {
      const headers = { 'user-agent': userAgent };
      const { body } = await users.app.post(LOGIN, { email, password: PASSWORD }, { headers });
      const { body: page } = await users.app.get(SESSIONS, { token: body.accessToken });
      return (page.data as { userAgent: string | null }[])[0]?.userAgent;
    };
    expect(await open(`Browser\tof ${'x'.repeat(300)}`)).toBe(`Browser of ${'x'.repeat(189)}`);
    expect(await open('\t')).toBeNull();
  });

  it('are ended one by one', async () => {
    const { email, ...first } = await users.registered();
    const second = await users.signIn(email, PASSWORD);
    const path = `${SESSIONS}/${sessionIdOf(first)}`;
    expect((await users.app.call('DELETE', path, { token: second.token })).status).toBe(204);
    await users.expectRefusal(() => users.refresh(first.refreshToken), 401, 'invalid_refresh_token');
    await users.expectRefusal(
      () => users.app.call('DELETE', path, { token: second.token }),
      404,
      'session_not_found',
    );
    expect((await users.refresh(second.refreshToken)).status).toBe(200);
  });

  it.each([
    ['all others', '', [200, 401, 401]],
    ['all others, said in so many words', '?includeCurrent=false', [200, 401, 401]],
    ['all', '?includeCurrent=true', [401, 401, 401]],
  ])('are ended at once: %s', async (_, query, statuses) => {
    const { email, ...first } = await users.registered();
    const others = [await users.signIn(email, PASSWORD), await users.signIn(email, PASSWORD)];
    expect((await users.app.call('DELETE', SESSIONS + query, { token: first.token })).status).toBe(204);
    const refreshed: number[] = [];
    for (const { refreshToken } of [first, ...others]) {
      refreshed.push((await users.refresh(refreshToken)).status);
    }
    expect(refreshed).toEqual(statuses);
    expect((await users.refresh(users.customer.refreshToken)).status).toBe(200);
  });

  it.each([['includeCurrent=yes'], ['includeCurrent='], ['includeCurrent[]=true'], ['all=true']])(
    'are not ended for ?%s',
    async (query) => {
      await users.expectRefusal(
        () => users.app.call('DELETE', `${SESSIONS}?${query}`, { token: users.customer.token }),
        400,
        'validation_failed',
      );
    },
  );

  it.each([
    ["somebody else's", () => sessionIdOf(users.admin), 404, 'session_not_found'],
    ['unknown', () => newId(), 404, 'session_not_found'],
    ['no id', () => 'first', 400, 'validation_failed'],
    ['a NUL', () => '%00', 400, 'validation_failed'],
    ['very long', () => 'a'.repeat(250), 400, 'validation_failed'],
  ])('are not ended when the session is %s', async (_, id, status, code) => {
    await users.expectRefusal(
      () => users.app.call('DELETE', `${SESSIONS}/${id()}`, { token: users.customer.token }),
      status,
      code,
    );
  });
});
