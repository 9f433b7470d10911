import { newId } from '#kernel';
import { DemoUsers, UsersFacade } from '#users';
import { createApi } from '../../apps/api/src/create-api.js';
import { eventually } from '../support/eventually.js';
import { OpenTransaction } from '../support/open-transaction.js';
import { type Answer, type CallOptions, TestApp } from '../support/test-app.js';
import { testSettings } from '../support/test-settings.js';
import {
  DEMO_PASSWORD,
  FORGOT_PASSWORD,
  LOGIN,
  ME,
  PASSWORD,
  RESET_PASSWORD,
  SESSIONS,
  USERS,
  column,
  registration,
  EMOJI,
  NUL,
  type SignedIn,
  UsersFixture,
} from '../support/users-fixture.js';

let users: UsersFixture;

beforeAll(async () => {
  users = await UsersFixture.start();
});

afterAll(() => users.stop());

/** Which version of somebody is the one that a change has to name. */
async function versionOf({ id }: SignedIn): Promise<number> {
  const { rows } = await users.sql.query<{ version: number }>(
    'SELECT version FROM users.users WHERE id = $1',
    [id],
  );
  return rows[0]!.version;
}

describe('registration', () => {
  it('creates a customer, whose e-mail address counts in lower case', async () => {
    const id = newId();
    const answer = await users.app.post(
      USERS,
      registration({ id, email: ` Grace.${id}@Example.COM `, name: ' Grace ' }),
    );
    expect(answer.status).toBe(201);
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.body).toEqual({
      id,
      email: `grace.${id}@example.com`,
      name: 'Grace',
      role: 'customer',
      emailVerified: false,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: answer.body.createdAt,
    });
  });

  it('stores the password as argon2id with the recommended costs, and nowhere else', async () => {
    const password = `secret ${newId()}`;
    const person = registration({ password });
    await users.app.post(USERS, person, { headers: { 'idempotency-key': newId() } });
    const { rows } = await users.sql.query('SELECT password_hash FROM users.users WHERE email = $1', [
      person.email,
    ]);
    expect(rows[0].password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    const { rows: everything } = await users.sql.query(
      'SELECT (SELECT json_agg(k) FROM platform.idempotency_keys k)::text || (SELECT json_agg(o) FROM platform.outbox o)::text AS t',
    );
    expect(everything[0].t).not.toContain(password);
    expect(everything[0].t).not.toContain('argon2');
  });

  it('refuses an address that is taken, in whatever case', async () => {
    await users.expectRefusal(
      () => users.app.post(USERS, registration({ email: 'Customer@Example.com' })),
      409,
      'email_taken',
    );
  });

  it('refuses an id that is taken', async () => {
    await users.expectRefusal(
      () => users.app.post(USERS, registration({ id: users.customer.id })),
      409,
      'user_id_taken',
    );
  });

  it('gives one account to one of 100 calls at once', async () => {
    const person = registration();
    const answers = await Promise.all(Array.from({ length: 100 }, () => users.app.post(USERS, person)));
    const codes = answers.map(({ status, body }) => `${status} ${body.code ?? 'created'}`).sort();
    expect(codes).toEqual(['201 created', ...Array<string>(99).fill('409 email_taken')]);
    const { rows } = await users.sql.query('SELECT id FROM users.users WHERE email = $1', [person.email]);
    expect(rows).toHaveLength(1);
  });

  it('answers every repetition under one key with the first answer', async () => {
    const person = registration();
    const headers = { 'idempotency-key': newId() };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => users.app.post(USERS, person, { headers })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.id as string)).size).toBe(1);
    expect(answers.filter((answer) => answer.headers.get('idempotency-replayed') === 'true')).toHaveLength(
      19,
    );
  });

  it.each([
    ['name', { name: 'Another' }],
    ['password', { password: 'another password' }],
  ])('refuses a key that was used with another %s', async (_, change) => {
    const person = registration();
    const headers = { 'idempotency-key': newId() };
    await users.app.post(USERS, person, { headers });
    await users.expectRefusal(
      () => users.app.post(USERS, { ...person, ...change }, { headers }),
      422,
      'idempotency_key_reused',
    );
  });

  it('limits how often an address may try', async () => {
    const limited = await TestApp.start({ RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_LOGINS_PER_MINUTE: '2' });
    try {
      const statuses: number[] = [];
      for (let attempt = 0; attempt < 3; attempt += 1) {
        statuses.push((await limited.post(USERS, registration())).status);
      }
      expect(statuses).toEqual([201, 201, 429]);
    } finally {
      await limited.stop();
    }
  });
});

describe('passwords', () => {
  it.each([
    ['the shortest', 'kq7vm2xw9e'],
    ['the longest', `${PASSWORD} ${EMOJI.repeat(127 - PASSWORD.length)}`],
    ['one with white space around it', '  spaces count  '],
    ['one with control characters', `control${NUL}\u0007\u007f characters`],
    ['one in another script', 'пароль из слов'],
  ])('may be %s', async (_, password) => {
    const { email } = await users.registered({ password });
    await users.expectRefusal(
      () => users.app.post(LOGIN, { email, password: `${password}x` }),
      401,
      'invalid_credentials',
    );
  });

  it.each(['Ada Lovelace 1815', 'countess@example.com'])(
    'are not what is known of their owner: %s',
    async (password) => {
      const person = registration({ name: 'Ada Lovelace 1815', email: 'countess@example.com', password });
      const field = { pointer: '/password', code: 'too_guessable' };
      await users.expectRefusal(() => users.app.post(USERS, person), 400, 'validation_failed', field);
    },
  );

  it('are the same however their characters are composed', async () => {
    const { email } = await users.registered({ password: 'cr\u00e8me br\u00fbl\u00e9e' });
    await users.signIn(email, 'cre\u0300me bru\u0302le\u0301e');
  });

  it('are compared beyond a NUL', async () => {
    const { email } = await users.registered({ password: `${PASSWORD}${NUL}a` });
    const wrong = { email, password: `${PASSWORD}${NUL}b` };
    await users.expectRefusal(() => users.app.post(LOGIN, wrong), 401, 'invalid_credentials');
  });
});

describe('my profile', () => {
  it('is read and changed under its ETag, with one event for each version', async () => {
    const { id, token } = await users.registered();
    const read = await users.app.get(ME, { token });
    expect(read.headers.get('etag')).toBe('"1"');
    const changed = await users.patch(ME, { name: 'Ada King' }, { token });
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
    expect(changed.body).toMatchObject({ ...read.body, name: 'Ada King', updatedAt: expect.any(String) });
    expect((await users.app.get(ME, { token })).body).toEqual(changed.body);

    const { rows } = await users.sql.query(
      'SELECT type, sequence::int, data FROM platform.outbox WHERE aggregate_id = $1 ORDER BY sequence',
      [id],
    );
    expect(rows).toEqual([
      { type: 'steelyard.user.registered.v1', sequence: 1, data: { userId: id, role: 'customer' } },
      {
        type: 'steelyard.user.updated.v1',
        sequence: 2,
        data: { userId: id, role: 'customer', changed: ['name'] },
      },
    ]);
  });

  it.each([
    ['nothing', {}],
    ['what is so already', { name: 'Ada Lovelace' }],
  ])('keeps its version when it is changed to %s', async (_, change) => {
    const { token } = await users.registered();
    const before = await users.stored();
    const answer = await users.patch(ME, change, { token });
    expect([answer.status, answer.headers.get('etag')]).toEqual([200, '"1"']);
    expect(await users.stored()).toEqual(before);
  });

  it('lets one of 20 changes at once through', async () => {
    const { id, token } = await users.registered();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => users.patch(ME, { name: `Name ${index}` }, { token })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(19).fill(412)]);
    const { rows } = await users.sql.query(
      'SELECT sequence::int FROM platform.outbox WHERE aggregate_id = $1',
      [id],
    );
    expect(rows).toHaveLength(2);
  });

  it.each([
    ['missing', undefined, 428, 'if_match_required'],
    ['empty', ' ', 428, 'if_match_required'],
    ['stale', '"7"', 412, 'stale_etag'],
    ['of no version', '"abc"', 412, 'stale_etag'],
    ['weak', 'W/"1"', 412, 'stale_etag'],
    ['bare', '1', 400, 'validation_failed'],
    ['a huge number', `"${'9'.repeat(15)}"`, 412, 'stale_etag'],
    ['a longer number', `"${'9'.repeat(400)}"`, 412, 'stale_etag'],
  ])('is not changed when If-Match is %s', async (_, ifMatch, status, code) => {
    const options: CallOptions = { token: users.customer.token, body: { name: 'New' } };
    const headers: Record<string, string> = ifMatch === undefined ? {} : { 'if-match': ifMatch };
    await users.expectRefusal(() => users.app.call('PATCH', ME, { ...options, headers }), status, code);
    await users.expectRefusal(
      () =>
        users.app.call('PATCH', `${USERS}/${users.customer.id}`, {
          ...options,
          token: users.admin.token,
          headers,
        }),
      status,
      code,
    );
  });
});

describe('users, for staff', () => {
  it('are listed newest first, page by page', async () => {
    const tag = newId();
    const created: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      created.push((await users.registered({ email: `${tag}.${count}@example.com` })).id);
    }
    const seen: unknown[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const path: string = `${USERS}?q=${tag}&role=customer&limit=2${cursor && `&cursor=${cursor}`}`;
      const answer = await users.app.get(path, { token: users.staff.token });
      expect(answer.status).toBe(200);
      seen.push(...column(answer, 'id'));
      cursor = answer.body.nextCursor as string | null;
    }
    expect(seen).toEqual(created.reverse());
  });

  it.each([
    ['the beginning of the address', 'STAFF@ex', ['staff@example.com']],
    ['the beginning of the name', 'demo st', ['staff@example.com']],
    ['the middle of the address', 'taff@example.com', []],
    ['more than the address', 'staff@example.com.uk', []],
    ['a wildcard', '%', []],
    ['a placeholder', '_taff', []],
    ['a backslash', 'staff\\', []],
    ['a quote', "' OR ''='", []],
  ])('are searched by %s', async (_, q, emails) => {
    const path = `${USERS}?q=${encodeURIComponent(q)}`;
    const answer = await users.app.get(path, { token: users.staff.token });
    expect(answer.status).toBe(200);
    expect(column(answer, 'email')).toEqual(emails);
  });

  it('are filtered by role', async () => {
    const answer = await users.app.get(`${USERS}?role=staff&q=staff@`, { token: users.staff.token });
    expect(column(answer, 'role')).toEqual(['staff']);
    const none = await users.app.get(`${USERS}?role=admin&q=staff@`, { token: users.staff.token });
    expect(none.body).toEqual({ data: [], nextCursor: null });
  });

  it('are read one by one', async () => {
    const answer = await users.app.get(`${USERS}/${users.customer.id.toUpperCase()}`, {
      token: users.staff.token,
    });
    expect([answer.status, answer.headers.get('etag')]).toEqual([200, '"1"']);
    expect(answer.body).toMatchObject({
      id: users.customer.id,
      email: users.customer.email,
      role: 'customer',
    });
  });

  it.each([
    ['limit=0', 'validation_failed'],
    ['limit=101', 'validation_failed'],
    ['limit=-1', 'validation_failed'],
    ['limit=1.5', 'validation_failed'],
    ['limit=1e309', 'validation_failed'],
    ['limit=ten', 'validation_failed'],
    ['limit=1&limit=2', 'validation_failed'],
    ['q=', 'validation_failed'],
    ['q=%00', 'validation_failed'],
    [`q=${'a'.repeat(101)}`, 'validation_failed'],
    ['q[]=a&q[]=b', 'validation_failed'],
    ['role=root', 'validation_failed'],
    ['sort=email', 'validation_failed'],
    [`cursor=${'A'.repeat(1_001)}`, 'validation_failed'],
    ['cursor=', 'invalid_cursor'],
    ['cursor=AAAA', 'invalid_cursor'],
    ['cursor=%F0%9F%90%8E%00', 'invalid_cursor'],
  ])('are not listed for ?%s', async (query, code) => {
    await users.expectRefusal(
      () => users.app.get(`${USERS}?${query}`, { token: users.staff.token }),
      400,
      code,
    );
  });

  it.each([
    ['changed', 'limit=1', (cursor: string) => `limit=1&cursor=${cursor.slice(0, -2)}AA`],
    ['cut', 'limit=1', (cursor: string) => `limit=1&cursor=${cursor.slice(0, 20)}`],
    ['of other filters', 'limit=1', (cursor: string) => `limit=1&role=staff&cursor=${cursor}`],
    ['of another search', 'limit=1&q=a', (cursor: string) => `limit=1&q=d&cursor=${cursor}`],
  ])('are not listed from a cursor that is %s', async (_, query, next) => {
    await users.registered({ email: `a.${newId()}@example.com` });
    await users.registered({ email: `a.${newId()}@example.com` });
    const { body } = await users.app.get(`${USERS}?${query}`, { token: users.staff.token });
    expect(body.nextCursor).toEqual(expect.any(String));
    await users.expectRefusal(
      () => users.app.get(`${USERS}?${next(body.nextCursor)}`, { token: users.staff.token }),
      400,
      'invalid_cursor',
    );
    await users.expectRefusal(
      () => users.app.get(`${SESSIONS}?cursor=${body.nextCursor}`, { token: users.staff.token }),
      400,
      'invalid_cursor',
    );
  });

  it.each([
    ['unknown', () => newId(), 404, 'user_not_found'],
    ['no id', () => 'ada', 400, 'validation_failed'],
    ['half an id', () => users.customer.id.slice(0, 20), 400, 'validation_failed'],
    ['a NUL', () => '%00', 400, 'validation_failed'],
    ['SQL', () => encodeURIComponent("' OR 1=1 --"), 400, 'validation_failed'],
  ])('are neither read nor changed when the id is %s', async (_, id, status, code) => {
    await users.expectRefusal(
      () => users.app.get(`${USERS}/${id()}`, { token: users.staff.token }),
      status,
      code,
    );
    await users.expectRefusal(
      () => users.patch(`${USERS}/${id()}`, { name: 'New' }, users.admin),
      status,
      code,
    );
  });
});

describe('users, for administrators', () => {
  const roleOf = (id: string) => `${USERS}/${id}/role`;

  it('get another role', async () => {
    const { id } = await users.registered();
    const answer = await users.put(roleOf(id), { role: 'staff' }, users.admin);
    expect([answer.status, answer.headers.get('etag')]).toEqual([200, '"2"']);
    expect(answer.body).toMatchObject({ id, role: 'staff' });
    const { rows } = await users.sql.query(
      'SELECT data FROM platform.outbox WHERE aggregate_id = $1 AND sequence = 2',
      [id],
    );
    expect(rows[0].data).toEqual({ userId: id, role: 'staff', changed: ['role'] });
    await users.expectRefusal(() => users.put(roleOf(id), { role: 'admin' }, users.admin), 412, 'stale_etag');
  });

  it('cannot give up their own role', async () => {
    await users.anotherAdmin();
    await users.expectRefusal(
      () => users.put(roleOf(users.admin.id), { role: 'staff' }, users.admin),
      409,
      'own_admin_role',
    );
    expect((await users.put(roleOf(users.admin.id), { role: 'admin' }, users.admin)).status).toBe(200);
  });

  it('cannot take the role from each other in the same moment', async () => {
    await users.sql.query(`UPDATE users.users SET role = 'customer' WHERE role = 'admin' AND id <> $1`, [
      users.admin.id,
    ]);
    const other = await users.anotherAdmin();
    const demote = (one: SignedIn, by: SignedIn, version: number) =>
      users.put(roleOf(one.id), { role: 'customer' }, by, version);
    const version = await versionOf(users.admin);
    // Each of them is past the question whether another administrator remains, if nothing keeps it there.
    const blocker = await OpenTransaction.begin(users.app);
    await blocker.query('LOCK TABLE platform.outbox IN SHARE MODE');
    const demotions = [demote(other, users.admin, 2), demote(users.admin, other, version)];
    await eventually(async () => {
      const { rows: waiting } = await users.sql.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      expect(waiting).toHaveLength(2);
    });
    await blocker.commit();
    const statuses = (await Promise.all(demotions)).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, 409]);
    await users.sql.query(`UPDATE users.users SET role = 'admin' WHERE id = $1`, [users.admin.id]);
  });

  it('cannot all take the role from each other', async () => {
    await users.sql.query(`UPDATE users.users SET role = 'customer' WHERE role = 'admin' AND id <> $1`, [
      users.admin.id,
    ]);
    const others = await Promise.all(Array.from({ length: 5 }, () => users.anotherAdmin()));
    const version = await versionOf(users.admin);
    const all = [{ ...users.admin, version }, ...others.map((other) => ({ ...other, version: 2 }))];
    const answers = await Promise.all(
      all.map((one, index) => {
        const next = all[(index + 1) % all.length]!;
        return users.put(roleOf(next.id), { role: 'customer' }, one, next.version);
      }),
    );
    // Whoever comes after their own demotion is no administrator any more.
    const refusals = answers.filter(({ status }) => status !== 200);
    for (const { body } of refusals) expect(['last_admin', 'invalid_token']).toContain(body.code);
    const { rows } = await users.sql.query(`SELECT id FROM users.users WHERE role = 'admin'`);
    expect(rows).toHaveLength(refusals.length);
    expect(rows.length).toBeGreaterThan(0);
    await users.sql.query(`UPDATE users.users SET role = 'admin' WHERE id = $1`, [users.admin.id]);
  });
});

describe('customers, for staff', () => {
  it('get another name', async () => {
    const { id } = await users.registered();
    const answer = await users.patch(`${USERS}/${id}`, { name: 'Grace Hopper' }, users.staff);
    expect(answer).toMatchObject({ status: 200, body: { id, name: 'Grace Hopper', emailVerified: false } });
  });

  it('get another address, which nobody has proven; the old one is told, and its tokens end', async () => {
    const person = await users.registered();
    await users.sql.query('UPDATE users.users SET email_verified_at = now() WHERE id = $1', [person.id]);
    await users.app.post(FORGOT_PASSWORD, { email: person.email });
    const token = await users.tokenFor(person.email);
    const email = `${newId()}@example.com`;
    const path = `${USERS}/${person.id}`;
    const answer = await users.patch(path, { email: email.toUpperCase(), name: 'Ada King' }, users.staff);
    expect(answer).toMatchObject({
      status: 200,
      body: { email, name: 'Ada King', emailVerified: false },
    });
    expect(answer.headers.get('etag')).toBe('"2"');
    const { rows } = await users.sql.query(
      'SELECT data FROM platform.outbox WHERE aggregate_id = $1 AND sequence = 2',
      [person.id],
    );
    expect(rows[0].data.changed).toEqual(['name', 'email', 'emailVerified']);
    const [told] = await users.mailsTo(person.email);
    expect(told?.subject).toBe('Your e-mail address was changed');
    const reset = () => users.app.post(RESET_PASSWORD, { token, password: 'another horse battery' });
    await users.expectRefusal(reset, 400, 'invalid_or_expired_token');
    expect((await users.signIn(email, PASSWORD)).id).toBe(person.id);
  });

  it('lose their sessions with the address; whoever moves themselves keeps the one that they do it in', async () => {
    const person = await users.registered();
    const path = `${USERS}/${person.id}`;
    const move = { email: `${newId()}@example.com` };
    expect((await users.patch(path, move, users.staff)).status).toBe(200);
    await users.expectRefusal(() => users.refresh(person.refreshToken), 401, 'invalid_refresh_token');

    const admin = await users.anotherAdmin();
    const other = await users.signIn(admin.email, PASSWORD);
    const moved = await users.patch(`${USERS}/${admin.id}`, { email: `${newId()}@example.com` }, admin, 2);
    expect(moved.status).toBe(200);
    expect((await users.refresh(admin.refreshToken)).status).toBe(200);
    await users.expectRefusal(() => users.refresh(other.refreshToken), 401, 'invalid_refresh_token');
  });

  it('do not get the address of somebody else', async () => {
    const [one, other] = [await users.registered(), await users.registered()];
    const change = () => users.patch(`${USERS}/${one.id}`, { email: other.email }, users.staff);
    await users.expectRefusal(change, 409, 'email_taken');
  });

  it('keep their proof with the address that they have', async () => {
    const { id, email } = await users.registered();
    await users.sql.query('UPDATE users.users SET email_verified_at = now() WHERE id = $1', [id]);
    const { body } = await users.patch(`${USERS}/${id}`, { email, name: 'Grace' }, users.staff);
    expect(body).toMatchObject({ name: 'Grace', emailVerified: true });
  });

  it.each<[string, () => string, object]>([
    ['the name of an administrator', () => users.admin.id, { name: 'New' }],
    ['the address of an administrator', () => users.admin.id, { email: 'new@example.com' }],
    ['their own name, as staff', () => users.staff.id, { name: 'New' }],
  ])('are all that they change: not %s', async (_, id, change) => {
    await users.expectRefusal(() => users.patch(`${USERS}/${id()}`, change, users.staff), 403, 'forbidden');
  });
});

describe('an access token from before', () => {
  it('makes no keys once its administrator is none any more, and reads the catalog', async () => {
    const one = await users.anotherAdmin();
    const key = { name: 'Till', scopes: ['orders:list'] };
    const make = () => users.app.post('/api/v1/api-keys', key, { token: one.token });
    expect((await make()).status).toBe(201);
    expect((await users.put(`${USERS}/${one.id}/role`, { role: 'staff' }, users.admin, 2)).status).toBe(200);
    await users.expectRefusal(make, 401, 'invalid_token');
    expect((await users.app.get('/api/v1/products', { token: one.token })).status).toBe(200);
  });

  it('makes no keys once its administrator is erased', async () => {
    const one = await users.anotherAdmin();
    const erasure = { token: users.admin.token, body: { reason: 'Asked by letter' } };
    expect((await users.app.call('DELETE', `${USERS}/${one.id}`, erasure)).status).toBe(204);
    const make = () => users.app.post('/api/v1/api-keys', {}, { token: one.token });
    await users.expectRefusal(make, 401, 'invalid_token');
  });

  it.each<[string, (token: string) => Promise<Answer>]>([
    ['adds no second factor', (token) => users.app.post(`${ME}/totp`, { password: PASSWORD }, { token })],
    ['changes no name', (token) => users.patch(ME, { name: 'Somebody else' }, { token })],
    ['shows nothing of the account', (token) => users.app.get(ME, { token })],
    ['exports nothing', (token) => users.app.get(`${ME}/export`, { token })],
    [
      'claims no orders',
      (token) =>
        users.app.post('/api/v1/orders/claim', {}, { token, headers: { 'idempotency-key': newId() } }),
    ],
  ])('%s once its session has ended, and still orders', async (_, call) => {
    const { email, ...one } = await users.registered();
    const other = await users.signIn(email, PASSWORD);
    expect((await users.app.call('DELETE', SESSIONS, { token: other.token })).status).toBe(204);
    await users.expectRefusal(() => call(one.token), 401, 'invalid_token');
    expect((await users.app.get('/api/v1/orders', { token: one.token })).status).toBe(200);
  });
});

describe('a person whom an administrator erases', () => {
  const erase = (id: string, { token } = users.admin) =>
    users.app.call('DELETE', `${USERS}/${id}`, { token, body: { reason: 'Asked by letter' } });

  it('is gone, and the log says why, and not who it was', async () => {
    const person = await users.registered();
    expect((await erase(person.id)).status).toBe(204);
    const login = await users.app.post(LOGIN, { email: person.email, password: PASSWORD });
    expect(login.body.code).toBe('invalid_credentials');
    await users.expectRefusal(() => erase(person.id), 404, 'user_not_found');
    const { rows } = await users.sql.query(
      'SELECT action, reason, details FROM platform.audit_log WHERE target = $1',
      [person.id],
    );
    expect(rows).toEqual([{ action: 'DELETE /users/:id', reason: 'Asked by letter', details: {} }]);
  });

  it('is neither oneself nor staff’s to erase', async () => {
    await users.expectRefusal(() => erase(users.admin.id), 409, 'own_account');
    await users.expectRefusal(() => erase(users.customer.id, users.staff), 403, 'forbidden');
  });

  it('is never the last administrator', async () => {
    const others = [await users.anotherAdmin(), await users.anotherAdmin()] as const;
    await users.sql.query(`UPDATE users.users SET role = 'customer' WHERE role = 'admin' AND id <> ALL($1)`, [
      others.map(({ id }) => id),
    ]);
    const answers = await Promise.all([erase(others[0].id, others[1]), erase(others[1].id, others[0])]);
    const outcomes = answers.map(({ status, body }) => `${status} ${body?.code ?? ''}`).sort();
    // The second one was erased before their call, or during it.
    expect(outcomes).toEqual(['204 ', expect.stringMatching(/^(401 invalid_token|409 last_admin)$/)]);
    await users.sql.query(`UPDATE users.users SET role = 'admin' WHERE id = $1`, [users.admin.id]);
  });
});

describe('what other modules see', () => {
  it('is who a user is', async () => {
    const facade = users.app.app.get(UsersFacade);
    expect(await facade.get(users.customer.id)).toEqual({
      id: users.customer.id,
      email: 'customer@example.com',
      name: 'Demo Customer',
      emailVerified: true,
    });
    expect(await facade.get(newId())).toBeUndefined();
  });
});

describe('demo accounts', () => {
  it('are made once, also by several processes at once', async () => {
    const before = await users.stored();
    const demo = users.app.app.get(DemoUsers);
    const [accounts] = await Promise.all([demo.ensure(), demo.ensure()]);
    expect(accounts.map(({ email, role }) => `${email} ${role}`)).toEqual([
      'admin@example.com admin',
      'staff@example.com staff',
      'customer@example.com customer',
    ]);
    expect(await users.stored()).toEqual(before);

    const fresh = await TestApp.start();
    try {
      const other = fresh.app.get(DemoUsers);
      await Promise.all([other.ensure(), other.ensure(), other.ensure()]);
      const { accessToken } = (
        await fresh.post(LOGIN, { email: 'admin@example.com', password: DEMO_PASSWORD })
      ).body;
      expect((await fresh.get(USERS, { token: accessToken })).body.data).toHaveLength(3);
    } finally {
      await fresh.stop();
    }
  });

  it('open nothing where they are not asked for, though the database has them', async () => {
    const { database } = users.app;
    const serious = await createApi(await testSettings({ DATABASE_URL: database.url, DEMO_DATA: 'false' }));
    try {
      await serious.listen(0, '127.0.0.1');
      const response = await fetch(`${await serious.getUrl()}${LOGIN}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: 'admin@example.com', password: DEMO_PASSWORD }),
      });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ code: 'invalid_credentials' });
    } finally {
      await serious.close();
    }
  });

  it('are refused in production', async () => {
    const production = await TestApp.start({ NODE_ENV: 'production' });
    try {
      await expect(production.app.get(DemoUsers).ensure()).rejects.toThrow(/NODE_ENV=production/);
      const answer = await production.post(LOGIN, { email: 'admin@example.com', password: DEMO_PASSWORD });
      expect(answer.status).toBe(401);
    } finally {
      await production.stop();
    }
  });
});
