import { newId } from '#kernel';
import { CHAIN_START, hashOf } from '../../libs/platform/src/audit/audit-chain.js';
import { gbp, Shop } from '../support/shop.js';
import { spawnApp } from '../support/spawn-app.js';
import type { Answer } from '../support/test-app.js';

const LOG = '/api/v1/admin/audit-log';

let shop: Shop;
beforeEach(async () => {
  shop = await Shop.open();
});
afterEach(() => shop.close());

const receive = (quantity: number) =>
  shop.post(
    `/api/v1/products/${shop.mug.id}/stock-movements`,
    { kind: 'receive', quantity },
    { as: shop.staff },
  );

const verify = async (query = ''): Promise<Answer['body']> => shop.read(`${LOG}/verify${query}`);

/** Does something to the log that only its owner in the database can do. */
async function tamper(sql: string): Promise<void> {
  await shop.sql.query('ALTER TABLE platform.audit_log DISABLE TRIGGER audit_log_is_kept');
  await shop.sql.query(sql);
  await shop.sql.query('ALTER TABLE platform.audit_log ENABLE TRIGGER audit_log_is_kept');
}

/** Has the log hold `count` entries. */
async function lengthen(count: number): Promise<void> {
  const { rows } = await shop.sql.query<{ position: string; hash: Buffer }>(
    'SELECT position, hash FROM platform.audit_log ORDER BY position DESC LIMIT 1',
  );
  let hash = rows[0]?.hash ?? CHAIN_START;
  const added: object[] = [];
  for (let position = Number(rows[0]?.position ?? 0) + 1; position <= count; position += 1) {
    const id = newId();
    const entry = {
      ...{ occurredAt: new Date(), actor: `user:${id}`, role: 'staff', sessionId: id, aal: 1 as const },
      ...{ action: 'POST /products', target: id, reason: null, details: { position } },
      ...{ address: '127.0.0.1', requestId: id },
    };
    hash = hashOf(hash, position, entry);
    const { occurredAt: occurred_at, sessionId: session_id, requestId: request_id, ...same } = entry;
    added.push({
      ...same,
      position,
      occurred_at,
      session_id,
      request_id,
      hash: `\\x${hash.toString('hex')}`,
    });
  }
  await shop.sql.query(
    `INSERT INTO platform.audit_log
     SELECT * FROM jsonb_populate_recordset(NULL::platform.audit_log, $1::jsonb) ORDER BY position`,
    [JSON.stringify(added)],
  );
}

/** `steelyard audit verify` on the host of the database. */
async function verifyByCommand(...args: string[]) {
  const env = { DATABASE_URL: shop.api.database.url };
  const process = spawnApp('apps/cli/src/main.ts', { env, args: ['audit', 'verify', ...args] });
  return { end: await process.ended, output: process.output };
}

describe('the audit log', () => {
  it('tells who did what, why, and from where, and is found by each', async () => {
    const product = await shop.product({ stock: 7 });
    const movements = `/api/v1/products/${product.id}/stock-movements`;
    const count = { kind: 'adjust', onHand: 5, expectedOnHand: 7, reason: 'Yearly count' };
    const answer = await shop.post(movements, count, { as: shop.admin });
    expect(answer).toMatchObject({ status: 201 });
    const { data } = await shop.read(`${LOG}?limit=1`);
    expect(data).toEqual([
      {
        position: 5,
        occurredAt: expect.stringMatching(/^\d{4}-.*Z$/),
        actor: `user:${shop.admin.id}`,
        role: 'admin',
        sessionId: expect.any(String),
        aal: 1,
        action: 'POST /products/:id/stock-movements',
        target: product.id,
        reason: 'Yearly count',
        details: { kind: 'adjust', onHand: 5, expectedOnHand: 7 },
        address: '127.0.0.1',
        requestId: answer.headers.get('x-request-id'),
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);

    const positions = async (query: string): Promise<number[]> => {
      const { data: found } = await shop.read(`${LOG}?${query}`);
      return (found as { position: number }[]).map(({ position }) => position);
    };
    const { occurredAt } = data[0];
    expect(await positions('')).toEqual([5, 4, 3, 2, 1]);
    expect(await positions(`actor=user:${shop.admin.id}`)).toEqual([5]);
    expect(await positions(`action=${encodeURIComponent('POST /products')}`)).toEqual([3, 1]);
    expect(await positions(`target=${product.id}`)).toEqual([5, 4, 3]);
    expect(await positions(`after=${occurredAt}`)).toContain(5);
    expect(await positions(`before=${occurredAt}`)).not.toContain(5);
    const { nextCursor } = await shop.read(`${LOG}?limit=3`);
    expect(await positions(`limit=3&cursor=${nextCursor}`)).toEqual([2, 1]);
  });

  it('keeps of the address of a call what its route knows, so that nobody adds to what they have done', async () => {
    const { id } = await shop.product({ stock: 7 });
    const said = '?onHand=1&quantity=9&kind=receive&reason=None&ada%40example.com=1';
    const count = { kind: 'adjust', onHand: 5, expectedOnHand: 7, reason: 'Yearly count' };
    const answer = await shop.post(`/api/v1/products/${id}/stock-movements${said}`, count, {
      as: shop.admin,
    });
    expect(answer).toMatchObject({ status: 201 });
    const { data } = await shop.read(`${LOG}?limit=1`);
    expect(data).toMatchObject([{ reason: 'Yearly count' }]);
    expect(data[0].details).toEqual({ kind: 'adjust', onHand: 5, expectedOnHand: 7 });
  });

  it('keeps of the query what the route has taken', async () => {
    const imported = await shop.api.call('POST', '/api/v1/products/import?partial=true', {
      ...{ token: shop.admin.token, headers: { 'content-type': 'application/x-ndjson' } },
      body: '{"sku":"AUDITED","name":"Mug","price":{"amount":1000,"currency":"GBP"}}\n',
    });
    expect(imported).toMatchObject({ status: 200 });
    const { data } = await shop.read(`${LOG}?limit=1`);
    expect(data).toMatchObject([{ details: { query: { partial: true } } }]);
  });

  it('finds an id however its letters were written, in the call or in the question', async () => {
    const [from, to] = [await shop.newCustomer(), await shop.newCustomer()];
    const shout = from.id.toUpperCase();
    const renamed = await shop.api.call('PATCH', `/api/v1/users/${shout}`, {
      ...{ token: shop.staff.token, body: { name: 'Ada King' }, headers: { 'if-match': '"1"' } },
    });
    expect(renamed).toMatchObject({ status: 200 });
    const moved = { fromCustomerId: shout, toCustomerId: to.id, reason: 'Two accounts' };
    expect(await shop.post('/api/v1/orders/transfer', moved, { as: shop.staff })).toMatchObject({
      status: 200,
    });
    const find = async (query: string) => (await shop.read(`${LOG}?${query}`)).data as object[];
    const entry = { action: 'PATCH /users/:id', target: from.id };
    expect(await find(`target=${from.id}`)).toMatchObject([entry]);
    expect(await find(`target=${shout}`)).toMatchObject([entry]);
    const byStaff = await find(`actor=user:${shop.staff.id.toUpperCase()}&limit=2`);
    expect(byStaff).toMatchObject([{ details: { fromCustomerId: from.id, toCustomerId: to.id } }, entry]);
  });

  it('keeps a reason whole, as long as one may be', async () => {
    const product = await shop.product({ stock: 7 });
    const count = (reason: string) =>
      shop.post(
        `/api/v1/products/${product.id}/stock-movements`,
        { kind: 'adjust', onHand: 7, expectedOnHand: 7, reason },
        { as: shop.admin },
      );
    const reason = 'why '.repeat(125).trim() + '!';
    expect(reason).toHaveLength(500);
    expect(await count(`   ${reason}   `)).toMatchObject({ status: 201 });
    expect(await count(`${reason}!`)).toMatchObject({ status: 400 });
    const { data } = await shop.read(`${LOG}?limit=1`);
    expect(data).toMatchObject([{ target: product.id, reason }]);
  });

  it('keeps why staff changed what lets people and machines in, and asks for no reason', async () => {
    const { id } = await shop.newCustomer();
    const { token } = shop.admin;
    const call = (method: string, path: string, body?: object, version = 1) =>
      shop.api.call(method, `/api/v1${path}`, { token, body, headers: { 'if-match': `"${version}"` } });
    const key = { name: 'Till', scopes: ['orders:read'] };
    const made = await call('POST', '/api-keys', { ...key, reason: 'A new till' });
    const another = await call('POST', '/api-keys', key);
    const answers = [
      ...[made, another],
      await call('DELETE', `/api-keys/${made.body.id}`, { reason: 'Sold' }),
      await call('DELETE', `/api-keys/${another.body.id}`),
      await call('PATCH', `/users/${id}`, { name: 'Grace Hopper', reason: 'Misspelled' }),
      await call('PUT', `/users/${id}/role`, { role: 'staff', reason: 'Joins us' }, 2),
      await call('DELETE', `/users/${id}/second-factor`, { reason: 'Lost' }),
      await call('DELETE', `/users/${id}/second-factor`, { reason: '' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 204, 204, 200, 200, 409, 400]);
    const { data } = await shop.read(`${LOG}?limit=6`);
    const entries = (data as { reason: string | null; details: object }[]).reverse();
    expect(entries.map(({ reason }) => reason)).toEqual([
      'A new till',
      null,
      'Sold',
      null,
      'Misspelled',
      'Joins us',
    ]);
    expect(JSON.stringify(entries.map(({ details }) => details))).not.toContain('reason');
  });

  it('keeps nothing that is personal or secret', async () => {
    const { id } = await shop.newCustomer();
    const name = 'Grace Brewster Hopper';
    const token = shop.admin.token;
    const changed = (path: string, version: number, body: object) =>
      shop.api.call(path.split(' ')[0]!, `/api/v1/users/${id}${path.split(' ')[1] ?? ''}`, {
        ...{ token, body, headers: { 'if-match': `"${version}"` } },
      });
    expect(await changed('PATCH', 1, { name })).toMatchObject({ status: 200 });
    expect(await changed('PUT /role', 2, { role: 'staff' })).toMatchObject({ status: 200 });
    const { data } = await shop.read(`${LOG}?target=${id}`);
    expect(data).toMatchObject([
      { action: 'PUT /users/:id/role', details: { role: 'staff' } },
      { action: 'PATCH /users/:id', details: { name: '[redacted]' } },
    ]);
    const { rows } = await shop.sql.query('SELECT * FROM platform.audit_log');
    const everything = JSON.stringify(rows);
    for (const secret of [name, token, shop.admin.email]) expect(everything).not.toContain(secret);
  });

  it('is one chain, however many write at once', async () => {
    const before = (await verify()).checked as number;
    const answers = await Promise.all(Array.from({ length: 60 }, () => receive(1)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(await verify()).toMatchObject({ intact: true, checked: before + 60, firstBroken: null });
  });

  it.each([
    ['changed', `UPDATE platform.audit_log SET reason = 'another' WHERE position = 4`, 4],
    ['laid at the door of another', `UPDATE platform.audit_log SET actor = 'user:1' WHERE position = 3`, 3],
    ['dated back', `UPDATE platform.audit_log SET occurred_at = '2020-01-01' WHERE position = 2`, 2],
    ['taken out', 'DELETE FROM platform.audit_log WHERE position = 3', 3],
    [
      'taken out, and the gap closed',
      `DELETE FROM platform.audit_log WHERE position = 3;
       UPDATE platform.audit_log SET position = position - 1 WHERE position = 4;
       UPDATE platform.audit_log SET position = position - 1 WHERE position = 5`,
      3,
    ],
    [
      'put in at the end',
      `INSERT INTO platform.audit_log SELECT position + 1, occurred_at, actor, role, session_id, action, target,
         reason, details, address, request_id, hash, aal FROM platform.audit_log WHERE position = 5`,
      6,
    ],
    ['given another assurance', 'UPDATE platform.audit_log SET aal = 2 WHERE position = 4', 4],
    [
      'said to be from before assurance was noted',
      'UPDATE platform.audit_log SET aal = NULL WHERE position = 4',
      4,
    ],
    ['said to be of no session', 'UPDATE platform.audit_log SET session_id = NULL WHERE position = 4', 4],
    ['given another hash', `UPDATE platform.audit_log SET hash = sha256('x') WHERE position = 5`, 5],
  ])('shows which entry was %s', async (_, sql, position) => {
    for (const quantity of [1, 2, 3]) await receive(quantity);
    expect(await verify()).toMatchObject({ intact: true, checked: 5 });
    await tamper(sql);
    expect(await verify()).toMatchObject({ intact: false, checked: position - 1, firstBroken: position });
  });

  it('shows that its newest entries are gone to whoever noted the head', async () => {
    await receive(1);
    const { head } = await verify();
    const noted = `?position=${head.position}&hash=${head.hash}`;
    await receive(1);
    expect(await verify(noted)).toMatchObject({ intact: true, checked: 2, head: { position: 4 } });
    await tamper('DELETE FROM platform.audit_log WHERE position >= 3');
    expect(await verify()).toMatchObject({ intact: true, checked: 2 });
    expect(await verify(noted)).toMatchObject({ intact: false, firstBroken: 3 });
    await receive(5);
    expect(await verify(noted)).toMatchObject({ intact: false, firstBroken: 3 });
  });

  it('is checked from a head on, and what is before that is not looked at', async () => {
    await lengthen(450);
    const { head } = await verify();
    expect(head.position).toBe(450);
    const noted = `?position=450&hash=${head.hash}`;
    await lengthen(900);
    const whole = { complete: true, firstBroken: null };
    expect(await verify(noted)).toMatchObject({ ...whole, intact: true, checked: 451 });
    await tamper(`UPDATE platform.audit_log SET reason = 'another' WHERE position = 100`);
    expect(await verify(noted)).toMatchObject({ ...whole, intact: true });
    expect(await verify()).toMatchObject({ intact: false, complete: true, firstBroken: 100 });

    await tamper(`UPDATE platform.audit_log SET reason = 'another' WHERE position = 700`);
    expect(await verify(noted)).toMatchObject({ intact: false, checked: 250, firstBroken: 700 });
    await tamper(`UPDATE platform.audit_log SET reason = 'another' WHERE position = 450`);
    const nothing = { checked: 0, head: { position: 0, hash: '0'.repeat(64) } };
    expect(await verify(noted)).toMatchObject({ intact: false, firstBroken: 450, ...nothing });
    const other = `?position=451&hash=${head.hash}`;
    expect(await verify(other)).toMatchObject({ intact: false, firstBroken: 451, ...nothing });
  });

  it('is checked in parts where there is no time for all of it, each from the head of the one before', async () => {
    await lengthen(1_000);
    await tamper(`UPDATE platform.audit_log SET reason = 'another' WHERE position = 777`);
    let time = performance.now();
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => (time += 6_000));
    try {
      const reached: number[] = [];
      let part = await verify();
      for (; !part.complete; part = await verify(`?position=${part.head.position}&hash=${part.head.hash}`)) {
        expect(part).toMatchObject({ intact: null, firstBroken: null });
        reached.push(part.head.position);
      }
      expect(reached).toEqual([200, 399, 598]);
      expect(part).toMatchObject({ intact: false, firstBroken: 777, head: { position: 776 } });
    } finally {
      clock.mockRestore();
    }
  });

  it('is checked by a command, all of it or from a head on, which fails where an entry does not agree', async () => {
    await lengthen(10_500);
    const whole = await verifyByCommand();
    expect(whole).toMatchObject({ end: 0, output: expect.stringContaining('as it was written') });
    expect(whole.output).toContain('10000 entries agree; the head is 10000:');
    const [head] = /(?<=the head is )10500:[0-9a-f]{64}/.exec(whole.output)!;
    await lengthen(10_501);
    const [further, mistyped] = await Promise.all([
      verifyByCommand('--from-head', head),
      verifyByCommand('--from-head', '3:abc'),
    ]);
    expect(further).toMatchObject({ end: 0, output: expect.stringContaining('2 entries agree') });
    expect(mistyped).toMatchObject({ end: 1, output: expect.stringContaining('--from-head') });

    await tamper('UPDATE platform.audit_log SET aal = 2 WHERE position = 10200');
    expect(await verifyByCommand()).toEqual({
      end: 1,
      output: expect.stringMatching(/10199 entries agree.*\nEntry 10200 does not agree/),
    });
  }, 90_000);

  it.each([
    'UPDATE platform.audit_log SET reason = NULL',
    'DELETE FROM platform.audit_log',
    'TRUNCATE platform.audit_log',
  ])('cannot be changed in passing: %s', async (sql) => {
    await expect(shop.sql.query(sql)).rejects.toThrow(/appended to and never changed/);
  });

  it('goes with what it is about: a transaction that fails takes its entry with it', async () => {
    const { checked } = await verify();
    const order = await shop.placed();
    const tooMuch = { amount: gbp(1_000_000) };
    expect(await shop.refund(order.payment.id, tooMuch, { key: newId() })).toMatchObject({ status: 409 });
    expect(await verify()).toMatchObject({ intact: true, checked });
  });
});
