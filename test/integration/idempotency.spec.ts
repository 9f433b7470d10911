import { newId } from '#kernel';
import { Idempotency } from '#platform/idempotency';
import { gbp, line, type Manner, ORDERS, PAYMENTS, type Person, Shop } from '../support/shop.js';
import { eventually } from '../support/eventually.js';
import type { Answer } from '../support/test-app.js';

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open();
});

afterAll(() => shop.close());

/** A keyed call that is ready to be made: as it is meant, with another payload, and in a way that fails. */
interface KeyedCall {
  readonly call: (manner?: Manner) => Promise<Answer>;
  readonly other: (manner?: Manner) => Promise<Answer>;
  readonly failing: (manner?: Manner) => Promise<Answer>;
  readonly by: Person;
  /** Somebody else who may do the same, and what they are answered after the first has done it. */
  readonly elseBy: Person;
  readonly elseStatus: number;
}

const ENDPOINTS: Record<string, { status: number; ready: () => Promise<KeyedCall> }> = {
  'placing an order': {
    status: 201,
    ready: async () => ({
      call: (manner) => shop.place({}, manner),
      other: (manner) => shop.place({ lines: [line(shop.mug, 2)] }, manner),
      failing: (manner) => shop.place({ lines: [line(shop.mug, 10_000_000)] }, manner),
      by: shop.customer,
      elseBy: shop.staff,
      elseStatus: 201,
    }),
  },
  'paying an order': {
    status: 201,
    ready: async () => {
      const { id } = (await shop.placed({ method: 'pm_card_chargeDeclined' }, {}, 402)).order;
      return {
        call: (manner) => shop.pay(id, 'pm_card_visa', manner),
        other: (manner) => shop.pay(id, 'pm_card_mastercard', manner),
        failing: (manner) => shop.pay(id, 'pm_unknown', manner),
        by: shop.customer,
        elseBy: shop.staff,
        elseStatus: 409,
      };
    },
  },
  'canceling an order': {
    status: 200,
    ready: async () => {
      const { id } = await shop.placed();
      return {
        call: (manner) => shop.cancel(id, manner, 'ordered twice'),
        other: (manner) => shop.cancel(id, manner, 'too late'),
        failing: (manner) => shop.cancel(newId(), manner),
        by: shop.customer,
        elseBy: shop.staff,
        elseStatus: 409,
      };
    },
  },
  'fulfilling an order': {
    status: 201,
    ready: async () => {
      const { id, lines } = await shop.placed({ lines: [line(shop.mug, 3)] });
      const send = (quantity: number) => (manner?: Manner) =>
        shop.fulfil(id, [{ lineId: lines[0].id, quantity }], manner);
      return {
        call: send(1),
        other: send(2),
        failing: send(4),
        by: shop.staff,
        elseBy: shop.admin,
        elseStatus: 201,
      };
    },
  },
  'capturing a payment': {
    status: 200,
    ready: async () => {
      const { payment } = await shop.placed({ capture: 'manual' });
      const capture = (amount: number) => (manner?: Manner) => shop.capture(payment.id, amount, manner);
      return {
        call: capture(100),
        other: capture(200),
        failing: capture(1_001),
        by: shop.staff,
        elseBy: shop.admin,
        elseStatus: 200,
      };
    },
  },
  'voiding a payment': {
    status: 200,
    ready: async () => {
      const { payment } = await shop.placed({ capture: 'manual' });
      const another = await shop.placed({ capture: 'manual' });
      return {
        call: (manner) => shop.void(payment.id, manner),
        other: (manner) => shop.void(another.payment.id, manner),
        failing: (manner) => shop.void(newId(), manner),
        by: shop.staff,
        elseBy: shop.admin,
        elseStatus: 409,
      };
    },
  },
  'refunding a payment': {
    status: 201,
    ready: async () => {
      const { payment } = await shop.placed();
      const refund = (amount: number) => (manner?: Manner) =>
        shop.refund(payment.id, { amount: gbp(amount) }, manner);
      return {
        call: refund(100),
        other: refund(200),
        failing: refund(1_001),
        by: shop.staff,
        elseBy: shop.admin,
        elseStatus: 201,
      };
    },
  },
};

const NAMES = Object.keys(ENDPOINTS);

const INVALID_KEYS: [string, string][] = [
  ['too long', 'k'.repeat(256)],
  ['empty', ''],
  ['empty between quotes', '""'],
  ['white space', '   '],
  ['not ASCII', 'schl\u00fcssel'],
  ['not printable', 'a\tb'],
];

describe('a key', () => {
  it.each(NAMES)('is needed for %s', async (name) => {
    const { status, ready } = ENDPOINTS[name]!;
    const { call, by } = await ready();
    await shop.expectRefusal(() => call({ as: by, key: null }), 400, 'idempotency_key_required');
    expect(await call({ as: by })).toMatchObject({ status });
  });

  it.each(NAMES.flatMap((name) => INVALID_KEYS.map(([what, key]) => [name, what, key] as const)))(
    'is refused for %s when it is %s',
    async (name, _, key) => {
      const { call, by } = await ENDPOINTS[name]!.ready();
      await shop.expectRefusal(() => call({ as: by, key }), 400, 'idempotency_key_invalid', {
        pointer: 'header:/Idempotency-Key',
        code: 'invalid_format',
      });
    },
  );

  it('may be as long as 255 printable characters', async () => {
    const key = `~ !"#$${'k'.repeat(249)}`;
    const first = await shop.place({}, { key });
    expect(first.status).toBe(201);
    expect(await shop.place({}, { key })).toMatchObject({ status: 201, body: first.body });
  });
});

describe.each(NAMES)('%s', (name) => {
  const { status, ready } = ENDPOINTS[name]!;

  it('again with the same key replays the answer and does nothing', async () => {
    const { call, by } = await ready();
    const manner = { as: by, key: newId() };
    const first = await call(manner);
    expect(first.status).toBe(status);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    const before = await shop.stored();
    for (const key of [manner.key, `"${manner.key}"`, ` ${manner.key} `]) {
      const again = await call({ ...manner, key });
      expect(again).toMatchObject({ status, body: first.body });
      expect(again.body).toEqual(first.body);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
    }
    expect(await shop.stored()).toEqual(before);
  });

  it('with the key of another payload is refused', async () => {
    const { call, other, by } = await ready();
    const manner = { as: by, key: newId() };
    expect(await call(manner)).toMatchObject({ status });
    await shop.expectRefusal(() => other(manner), 422, 'idempotency_key_reused');
  });

  it('with the key of somebody else is a call of its own', async () => {
    const { call, by, elseBy, elseStatus } = await ready();
    const key = newId();
    const first = await call({ as: by, key });
    const second = await call({ as: elseBy, key });
    expect(second.status).toBe(elseStatus);
    expect(second.headers.get('idempotency-replayed')).toBeNull();
    expect(second.body).not.toEqual(first.body);
  });

  it('leaves no trace of a key whose call was refused', async () => {
    const { call, failing, by } = await ready();
    const manner = { as: by, key: newId() };
    const before = await shop.stored();
    const refused = await failing(manner);
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(refused.status).toBeLessThan(500);
    expect(await shop.stored()).toEqual(before);
    expect(await call(manner)).toMatchObject({ status });
  });
});

describe('the same payload', () => {
  it('is the same in whatever order its members are written', async () => {
    const id = newId();
    const { id: productId } = shop.mug;
    const key = newId();
    const bodies = [
      `{"id":"${id}","lines":[{"productId":"${productId}","quantity":1}],"metadata":{"a":"1","b":"2"},
        "payment":{"method":"pm_card_visa","capture":"automatic"}}`,
      // Written in another order, with what is the default left out.
      `{"payment":{"method":"pm_card_visa"},"metadata":{"b":"2","a":"1"},
        "lines":[{"quantity":1,"productId":"${productId}"}],"id":"${id}"}`,
      // White space, escapes and case that mean nothing.
      `{"id":"${id.toUpperCase()}","lines":[{"productId":"${productId.toUpperCase()}","quantity":1.0}],
        "metadata":{"a":" 1 ","\\u0062":"2"},"payment":{"method":"pm_card_visa"}}`,
    ];
    const [first, ...others] = await sequentially(bodies, (body) => shop.post(ORDERS, body, { key }));
    expect(first).toMatchObject({ status: 201, body: { id } });
    for (const answer of others) {
      expect(answer).toMatchObject({ status: 201, body: { id } });
      expect(answer.headers.get('idempotency-replayed')).toBe('true');
    }
  });

  it('is another one when its lines are in another order', async () => {
    const kettle = await shop.product();
    const key = newId();
    await shop.placed({ lines: [line(shop.mug), line(kettle)] }, { key });
    await shop.expectRefusal(
      () => shop.place({ lines: [line(kettle), line(shop.mug)] }, { key }),
      422,
      'idempotency_key_reused',
    );
  });

  async function sequentially<T, R>(values: readonly T[], fn: (value: T) => Promise<R>): Promise<R[]> {
    const results: R[] = [];
    for (const value of values) results.push(await fn(value));
    return results;
  }
});

describe('a guest', () => {
  it('gets the same order and token again under the same address and key', async () => {
    const wish = { email: `${newId()}@example.com` };
    const manner = { as: null, key: newId() };
    const first = await shop.place(wish, manner);
    const again = await shop.place(wish, manner);
    expect(again).toMatchObject({ status: 201, body: first.body });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });

  it('shares a key with nobody', async () => {
    const key = newId();
    const mine = await shop.placedByGuest();
    const orders = await Promise.all([
      shop.placed({ email: 'one@example.com' }, { as: null, key }),
      shop.placed({ email: 'two@example.com' }, { as: null, key }),
      shop.placed({}, { key }),
    ]);
    expect(new Set([mine, ...orders].map(({ id }) => id as string)).size).toBe(4);
  });

  it('shares a key with no machine that places orders under the same address', async () => {
    const wish = { email: `${newId()}@example.com` };
    const key = newId();
    const machines = await Promise.all([1, 2].map(() => shop.apiKey('orders:place')));
    const callers = [null, ...machines.map(({ id, key: token }) => ({ id, email: wish.email, token }))];
    const orders: string[] = [];
    for (const as of callers) orders.push((await shop.placed(wish, { as, key })).id);
    expect(new Set(orders).size).toBe(3);
    for (const [index, as] of callers.entries()) {
      expect(await shop.placed(wish, { as, key })).toMatchObject({ id: orders[index] });
    }
  });
});

describe('a key that is used', () => {
  it('for placing means nothing for what is done to the order', async () => {
    const key = newId();
    const { id, payment } = await shop.placed({ capture: 'manual' }, { as: shop.staff, key });
    expect(await shop.capture(payment.id, 100, { key })).toMatchObject({ status: 200 });
    expect(await shop.refund(payment.id, { amount: gbp(100) }, { key })).toMatchObject({ status: 201 });
    expect(await shop.cancel(id, { as: shop.staff, key })).toMatchObject({ status: 200 });
  });

  it('by a call that still runs is told so, until it has ended', async () => {
    const manner = { key: newId() };
    const wish = { method: 'pm_sim_slow', lines: [line(shop.mug)] };
    const startedAt = performance.now();
    const first = shop.place(wish, manner);
    await eventually(async () => expect(await countOrders(wish.method)).toBe(1));
    const { headers } = await shop.expectRefusal(
      () => shop.place(wish, manner),
      409,
      'idempotency_in_progress',
    );
    expect(headers.get('retry-after')).toBe('1');
    // Another payload is wrong whether or not the first call has ended.
    await shop.expectRefusal(
      () => shop.place({ ...wish, lines: [line(shop.mug, 2)] }, manner),
      422,
      'idempotency_key_reused',
    );
    const answer = await first;
    expect(answer).toMatchObject({ status: 201, body: { status: 'confirmed' } });
    expect(performance.now() - startedAt).toBeGreaterThan(2_900);
    const again = await shop.place(wish, manner);
    expect(again.body).toEqual(answer.body);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await countOrders(wish.method)).toBe(1);
  });

  async function countOrders(method: string): Promise<number> {
    const { rows } = await shop.sql.query('SELECT FROM payments.payments WHERE method = $1', [method]);
    return rows.length;
  }

  it('is forgotten after its time', async () => {
    const manner = { key: newId() };
    const first = await shop.placed({}, manner);
    const age = (days: number) =>
      shop.sql.query(
        `UPDATE platform.idempotency_keys SET expires_at = created_at + interval '7 days' - $1 * interval '1 day'
          WHERE key = $2`,
        [days, manner.key],
      );
    await age(6.99);
    expect(await shop.placed({}, manner)).toMatchObject({ id: first.id });
    await age(7.01);
    const second = await shop.placed({ lines: [line(shop.mug, 2)] }, manner);
    expect(second.id).not.toBe(first.id);
    await age(7.01);
    await shop.api.app.get(Idempotency).prune(1_000);
    const { rows } = await shop.sql.query('SELECT FROM platform.idempotency_keys WHERE key = $1', [
      manner.key,
    ]);
    expect(rows).toHaveLength(0);
  });
});

describe('a retry after an unknown outcome', () => {
  const UNKNOWN = () => Promise.reject(new Error('The connection was reset.'));

  it('of an order carries on, and turns 202 into 201', async () => {
    const manner = { key: newId() };
    const wish = { method: 'pm_sim_error_500' };
    const first = await shop.place(wish, manner);
    expect(first).toMatchObject({ status: 202, body: { payment: { outcome: 'unknown' } } });
    const second = await shop.place(wish, manner);
    expect(second).toMatchObject({ status: 201, body: { id: first.body.id, status: 'confirmed' } });
    expect(second.headers.get('idempotency-replayed')).toBeNull();
    const third = await shop.place(wish, manner);
    expect(third.body).toEqual(second.body);
    expect(third.headers.get('idempotency-replayed')).toBe('true');
    expect((await shop.paymentOf(first.body.payment.id)).operations).toHaveLength(1);
  });

  it('of an order stays 202 for as long as nobody knows', async () => {
    const manner = { key: newId() };
    await shop.withGateway('authorize', UNKNOWN, async () => {
      for (let call = 0; call < 3; call += 1) {
        expect(await shop.place({}, manner)).toMatchObject({ status: 202 });
      }
    });
    expect(await shop.place({}, manner)).toMatchObject({ status: 201 });
  });

  it('of an order learns what the worker found out', async () => {
    const manner = { key: newId() };
    const first = await shop.placed({ method: 'pm_sim_error_500' }, manner, 202);
    await shop.resolveOperations();
    expect(await shop.place({ method: 'pm_sim_error_500' }, manner)).toMatchObject({
      status: 201,
      body: { id: first.id, status: 'confirmed' },
    });
  });

  it('of an order learns that it was declined, for good', async () => {
    const manner = { key: newId() };
    const declined = () => Promise.resolve({ result: 'declined', declineCode: 'lost_card' } as const);
    await shop.withGateway('authorize', UNKNOWN, () => shop.placed({}, manner, 202));
    const second = await shop.withGateway('authorize', declined, () => shop.place({}, manner));
    expect(second).toMatchObject({ status: 402, body: { code: 'payment_declined' } });
    const third = await shop.place({}, manner);
    expect(third).toMatchObject({ status: 402, body: { order: second.body.order } });
    expect(third.headers.get('idempotency-replayed')).toBe('true');
  });

  it.each([
    ['an attempt to pay', 'authorize', 'paying an order'],
    ['a cancellation', 'refund', 'canceling an order'],
    ['a capture', 'capture', 'capturing a payment'],
    ['a void', 'void', 'voiding a payment'],
    ['a refund', 'refund', 'refunding a payment'],
  ] as const)('of %s carries on, and turns 202 into its answer', async (_, kind, name) => {
    const { status, ready } = ENDPOINTS[name]!;
    const { call, by } = await ready();
    const manner = { as: by, key: newId() };
    const first = await shop.withGateway(kind, UNKNOWN, () => call(manner));
    expect(first).toMatchObject({ status: 202 });
    const second = await call(manner);
    expect(second).toMatchObject({ status });
    expect(second.headers.get('idempotency-replayed')).toBeNull();
    const third = await call(manner);
    expect(third.body).toEqual(second.body);
    expect(third.headers.get('idempotency-replayed')).toBe('true');
  });

  it('waits for the lease of a process that died without a word', async () => {
    const manner = { key: newId() };
    await shop.placed({ method: 'pm_sim_error_500' }, manner, 202);
    const lease = (until: string) =>
      shop.sql.query('UPDATE platform.idempotency_keys SET leased_until = $1 WHERE key = $2', [
        until,
        manner.key,
      ]);
    await lease('infinity');
    await shop.expectRefusal(
      () => shop.place({ method: 'pm_sim_error_500' }, manner),
      409,
      'idempotency_in_progress',
    );
    await lease('-infinity');
    expect(await shop.place({ method: 'pm_sim_error_500' }, manner)).toMatchObject({ status: 201 });
  });
});

describe('a refused operation', () => {
  it('is replayed as the refusal that it was', async () => {
    const { payment } = await shop.placed({ capture: 'manual', method: 'pm_sim_capture_fails' });
    const manner = { key: newId() };
    const first = await shop.capture(payment.id, 100, manner);
    expect(first).toMatchObject({ status: 409, body: { code: 'capture_failed' } });
    const again = await shop.capture(payment.id, 100, manner);
    expect(again).toMatchObject({
      status: 409,
      body: { code: 'capture_failed', payment: first.body.payment },
    });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await shop.read(`${PAYMENTS}/${payment.id}`)).operations).toHaveLength(2);
  });

  it('like a decline is replayed with its order', async () => {
    const manner = { key: newId() };
    const wish = { method: 'pm_card_chargeDeclined' };
    const first = await shop.place(wish, manner);
    const again = await shop.place(wish, manner);
    expect(again).toMatchObject({ status: 402, body: { order: first.body.order } });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });
});
