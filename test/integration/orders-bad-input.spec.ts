import { newId } from '#kernel';
import { type FieldProblem, gbp, line, ORDERS, PAYMENTS, type Person, Shop } from '../support/shop.js';
import {
  email,
  id,
  list,
  LONE_SURROGATE,
  money,
  newIdValues,
  NUL,
  quantity,
  required,
  text,
  type Values,
} from '../support/bad-values.js';
import type { Answer } from '../support/test-app.js';

let shop: Shop;
/** One order that is captured and one that is authorized: nothing here changes them. */
let captured: { id: string; lines: { id: string }[]; payment: { id: string } };
let authorized: { id: string; payment: { id: string } };
let declined: { id: string };

beforeAll(async () => {
  shop = await Shop.open();
  captured = await shop.placed({ lines: [line(shop.mug, 3)] });
  authorized = await shop.placed({ capture: 'manual' });
  declined = (await shop.placed({ method: 'pm_card_chargeDeclined' }, {}, 402)).order;
});

afterAll(() => shop.close());

interface Endpoint {
  readonly path: () => string;
  /** A body that would be accepted. */
  readonly valid: () => object;
  readonly as: () => Person;
}

const ENDPOINTS: Record<string, Endpoint> = {
  'placing an order': { path: () => ORDERS, valid: () => shop.order(), as: () => shop.customer },
  'a quote': { path: () => `${ORDERS}/quote`, valid: () => shop.order(), as: () => shop.customer },
  'paying an order': {
    path: () => `${ORDERS}/${declined.id}/payments`,
    valid: () => ({ method: 'pm_card_chargeDeclined' }),
    as: () => shop.customer,
  },
  'canceling an order': {
    path: () => `${ORDERS}/${captured.id}/cancel`,
    valid: () => ({ reason: 'ordered twice' }),
    as: () => shop.customer,
  },
  'fulfilling an order': {
    path: () => `${ORDERS}/${captured.id}/fulfillments`,
    valid: () => ({ lines: [{ lineId: captured.lines[0]!.id, quantity: 1 }] }),
    as: () => shop.staff,
  },
  'closing an order': {
    path: () => `${ORDERS}/${captured.id}/close`,
    valid: () => ({ reason: 'sold out' }),
    as: () => shop.staff,
  },
  'taking back pieces of an order': {
    path: () => `${ORDERS}/${captured.id}/returns`,
    valid: () => ({ lines: [{ lineId: captured.lines[0]!.id, quantity: 1, restock: true }] }),
    as: () => shop.staff,
  },
  'capturing a payment': {
    path: () => `${PAYMENTS}/${authorized.payment.id}/capture`,
    valid: () => ({ amount: gbp(1) }),
    as: () => shop.staff,
  },
  'voiding a payment': {
    path: () => `${PAYMENTS}/${authorized.payment.id}/cancel`,
    valid: () => ({}),
    as: () => shop.staff,
  },
  'refunding a payment': {
    path: () => `${PAYMENTS}/${captured.payment.id}/refunds`,
    valid: () => ({ amount: gbp(1) }),
    as: () => shop.staff,
  },
};

const NAMES = Object.keys(ENDPOINTS);

/** Calls an endpoint with a body of its own. */
function call(name: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const { path, as } = ENDPOINTS[name]!;
  return shop.post(path(), body, { as: as(), headers });
}

function shown(value: unknown): string {
  const text = value === undefined ? 'absent' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

describe('a body', () => {
  const BODIES: [
    what: string,
    body: (valid: object) => unknown,
    status: number,
    code: string,
    field?: FieldProblem,
    type?: string,
  ][] = [
    ['cut off', () => '{"lines": [', 400, 'malformed_json'],
    ['empty', () => '', 400, 'malformed_json'],
    ['not JSON', () => 'lines=1', 400, 'malformed_json'],
    ['not a number', () => '{"quantity": NaN}', 400, 'malformed_json'],
    ['nested without end', () => '['.repeat(100_000), 400, 'malformed_json'],
    ['polluting the prototype', () => '{"__proto__": {"role": "admin"}}', 400, 'malformed_json'],
    ['polluting a constructor', () => '{"constructor": {"prototype": {"a": 1}}}', 400, 'malformed_json'],
    ['an array', () => '[]', 400, 'validation_failed', { pointer: '', code: 'wrong_type' }],
    ['a string', () => '"lines"', 400, 'validation_failed', { pointer: '', code: 'wrong_type' }],
    ['a number', () => '1e999', 400, 'validation_failed', { pointer: '', code: 'wrong_type' }],
    [
      'with an unknown field',
      (valid) => ({ ...valid, status: 'paid' }),
      400,
      'validation_failed',
      { pointer: '/status', code: 'unknown_field' },
    ],
    [
      'with an unknown field whose name is odd',
      (valid) => ({ ...valid, [`a/b~c${NUL}${LONE_SURROGATE}`]: 1 }),
      400,
      'validation_failed',
      { pointer: `/a~1b~0c${NUL}${LONE_SURROGATE}`, code: 'unknown_field' },
    ],
    ['plain text', (valid) => JSON.stringify(valid), 415, 'unsupported_media_type', undefined, 'text/plain'],
    ['XML', () => '<lines/>', 415, 'unsupported_media_type', undefined, 'application/xml'],
    [
      'a form with parts',
      () => '--x\r\ncontent-disposition: form-data; name="lines"\r\n\r\n1\r\n--x--\r\n',
      415,
      'unsupported_media_type',
      undefined,
      'multipart/form-data; boundary=x',
    ],
    [
      'a form',
      () => 'lines=1',
      415,
      'unsupported_media_type',
      undefined,
      'application/x-www-form-urlencoded',
    ],
    ['over 256 KiB', (valid) => ({ ...valid, a: 'a'.repeat(262_145) }), 413, 'body_too_large'],
  ];

  it.each(NAMES.flatMap((name) => BODIES.map((body) => [name, body[0], body] as const)))(
    'for %s that is %s is refused',
    async (name, _, [, make, status, code, field, type = 'application/json']) => {
      const body = make(ENDPOINTS[name]!.valid());
      await shop.expectRefusal(() => call(name, body, { 'content-type': type }), status, code, field);
    },
  );
});

/** Every text of an address, and how long it may be. */
const ADDRESS_TEXTS = { name: 200, line1: 200, line2: 200, city: 100, region: 100, postalCode: 20 };

/** What the body is when one field of it has a value. */
type Place = (value: unknown) => object;

const ORDER_FIELDS: readonly (readonly [pointer: string, put: Place, values: Values])[] = [
  ['/id', (value) => shop.order({ id: value }), newIdValues],
  ['/lines', (lines) => ({ ...shop.order(), lines }), [...required, ...list]],
  [
    '/lines/0',
    (value) => ({ ...shop.order(), lines: [value] }),
    [
      [null, 'wrong_type'],
      ['mug', 'wrong_type'],
      [[], 'wrong_type'],
      [{}, 'required', '/quantity'],
      [{ quantity: 1 }, 'product_id_or_sku'],
      [{ productId: newId(), sku: 'MUG', quantity: 1 }, 'product_id_or_sku'],
      [{ sku: 'MUG', quantity: 1, unitPrice: gbp(1) }, 'unknown_field', '/unitPrice'],
    ],
  ],
  ['/lines/1/productId', (productId) => withSecondLine({ productId, quantity: 1 }), id],
  ['/lines/1/sku', (sku) => withSecondLine({ sku, quantity: 1 }), text(100)],
  [
    '/lines/1/quantity',
    (value) => withSecondLine({ ...line(shop.mug), quantity: value }),
    [...required, ...quantity],
  ],
  ['/email', (value) => shop.order({ email: value }), email],
  ['/expectedTotal', (expectedTotal) => shop.order({ expectedTotal }), money(0)],
  [
    '/shippingAddress',
    (shippingAddress) => shop.order({ shippingAddress }),
    [
      [null, 'wrong_type'],
      ['London', 'wrong_type'],
      [[], 'wrong_type'],
      [{}, 'required', '/country'],
      [{ country: 'gb' }, 'invalid_format', '/country'],
      [{ country: 'GBR' }, 'invalid_format', '/country'],
      [{ country: `G${NUL}` }, 'invalid_format', '/country'],
      [{ country: 44 }, 'wrong_type', '/country'],
      [{ country: 'GB', planet: 'Earth' }, 'unknown_field', '/planet'],
    ],
  ],
  ...Object.entries(ADDRESS_TEXTS).map(
    ([name, maxLength]) =>
      [
        `/shippingAddress/${name}`,
        (value: unknown) => shop.order({ shippingAddress: { country: 'GB', [name]: value } }),
        text(maxLength),
      ] as const,
  ),
  [
    '/payment',
    (payment) => ({ ...shop.order(), payment }),
    [
      [null, 'wrong_type'],
      ['pm_card_visa', 'wrong_type'],
      [[], 'wrong_type'],
      [{}, 'required', '/method'],
      [{ method: 'pm_card_visa', capture: 'later' }, 'not_allowed', '/capture'],
      [{ method: 'pm_card_visa', capture: null }, 'not_allowed', '/capture'],
      [{ method: 'pm_card_visa', amount: gbp(1) }, 'unknown_field', '/amount'],
    ],
  ],
  ['/payment/method', (method) => ({ ...shop.order(), payment: { method } }), text(200)],
  [
    '/metadata',
    (metadata) => shop.order({ metadata }),
    [
      [null, 'wrong_type'],
      ['note', 'wrong_type'],
      [[], 'wrong_type'],
      [{ a: 1 }, 'wrong_type', '/a'],
      [{ a: null }, 'wrong_type', '/a'],
      [{ a: { b: 'c' } }, 'wrong_type', '/a'],
      [{ a: 'a'.repeat(501) }, 'too_long', '/a'],
      [{ a: NUL }, 'invalid_text', '/a'],
      [{ a: LONE_SURROGATE }, 'invalid_text', '/a'],
      [{ 'a/b': 1 }, 'wrong_type', '/a~1b'],
      [{ '': 'a' }, 'invalid_format', '/'],
      [{ ['k'.repeat(41)]: 'a' }, 'invalid_format', `/${'k'.repeat(41)}`],
      [{ [NUL]: 'a' }, 'invalid_format', `/${NUL}`],
      [{ [LONE_SURROGATE]: 'a' }, 'invalid_format', `/${LONE_SURROGATE}`],
      [Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`key${index}`, 'a'])), 'too_many_items'],
    ],
  ],
];

function withSecondLine(second: object): object {
  return { ...shop.order(), lines: [line(shop.mug), second] };
}

const LINE_ID = () => captured.lines[0]!.id;

/** A return of one piece, but for what is wrong with it. */
const oneBack = (wrong: object = {}) => ({
  lines: [{ lineId: LINE_ID(), quantity: 1, restock: true, ...wrong }],
});

const OTHER_FIELDS: readonly (readonly [endpoint: string, pointer: string, put: Place, values: Values])[] = [
  ['paying an order', '/method', (method) => ({ method }), [...required, ...text(200)]],
  ['canceling an order', '/reason', (reason) => ({ reason }), text(500)],
  ['fulfilling an order', '/lines', (lines) => ({ lines }), [...required, ...list]],
  [
    'fulfilling an order',
    '/lines/0/lineId',
    (lineId) => ({ lines: [{ lineId, quantity: 1 }] }),
    [...required, ...id],
  ],
  [
    'fulfilling an order',
    '/lines/0/quantity',
    (value) => ({ lines: [{ lineId: LINE_ID(), quantity: value }] }),
    [...required, ...quantity],
  ],
  ...['trackingNumber', 'carrier'].map(
    (name) =>
      [
        'fulfilling an order',
        `/${name}`,
        (value: unknown) => ({ lines: [{ lineId: LINE_ID(), quantity: 1 }], [name]: value }),
        text(100),
      ] as const,
  ),
  ['taking back pieces of an order', '/id', (value) => ({ ...oneBack(), id: value }), newIdValues],
  ['taking back pieces of an order', '/reason', (reason) => ({ ...oneBack(), reason }), text(500)],
  ['taking back pieces of an order', '/lines', (lines) => ({ lines }), [...required, ...list]],
  [
    'taking back pieces of an order',
    '/lines/0/lineId',
    (lineId) => oneBack({ lineId }),
    [...required, ...id],
  ],
  [
    'taking back pieces of an order',
    '/lines/0/quantity',
    (value) => oneBack({ quantity: value }),
    [...required, ...quantity],
  ],
  [
    'taking back pieces of an order',
    '/lines/0/restock',
    (restock) => oneBack({ restock }),
    [...required, [null, 'wrong_type'], ['true', 'wrong_type'], [1, 'wrong_type']],
  ],
  ['capturing a payment', '/amount', (amount) => ({ amount }), money(1)],
  ['refunding a payment', '/id', (value) => ({ id: value }), newIdValues],
  ['refunding a payment', '/amount', (amount) => ({ amount }), money(1)],
  ['refunding a payment', '/reason', (reason) => ({ reason }), text(500)],
  ['refunding a payment', '/lines', (lines) => ({ lines }), list],
  ['refunding a payment', '/lines/0/lineId', (lineId) => ({ lines: [{ lineId }] }), [...required, ...id]],
  [
    'refunding a payment',
    '/lines/0/amount',
    (amount) => ({ lines: [{ lineId: LINE_ID(), amount }] }),
    money(1),
  ],
];

const ALL_FIELDS = [
  ...['placing an order', 'a quote'].flatMap((name) =>
    ORDER_FIELDS.map((field) => [name, ...field] as const),
  ),
  ...OTHER_FIELDS,
].flatMap(([name, pointer, put, values]) =>
  values.map(([value, code, below = '']) => [name, pointer, shown(value), code, put, value, below] as const),
);

describe('a field', () => {
  it.each(ALL_FIELDS)('of %s is refused: %s %s (%s)', async (name, pointer, _, code, put, value, below) => {
    await shop.expectRefusal(() => call(name, put(value)), 400, 'validation_failed', {
      pointer: pointer + below,
      code,
    });
  });
});

describe('a list of lines', () => {
  const copies = (count: number, entry: object): object[] => Array.from({ length: count }, () => entry);

  it.each([1_001, 3_000])('of an order is refused when there are %d', async (count) => {
    const lines = copies(count, { sku: 'MUG', quantity: 1 });
    for (const name of ['placing an order', 'a quote']) {
      const { body } = await shop.expectRefusal(
        () => call(name, { ...shop.order(), lines }),
        400,
        'validation_failed',
      );
      expect(body.errors).toEqual([expect.objectContaining({ pointer: '/lines', code: 'too_many_items' })]);
    }
  });

  it('of a parcel or a refund is refused when there are 1,001', async () => {
    const many = { pointer: '/lines', code: 'too_many_items' };
    const ids = Array.from({ length: 1_001 }, newId);
    const parcel = { lines: ids.map((lineId) => ({ lineId, quantity: 1 })) };
    const refund = { lines: ids.map((lineId) => ({ lineId })) };
    await shop.expectRefusal(() => call('fulfilling an order', parcel), 400, 'validation_failed', many);
    await shop.expectRefusal(() => call('refunding a payment', refund), 400, 'validation_failed', many);
  });

  it('of a return is refused when there are 2,001: each line of an order may be named twice', async () => {
    const many = { pointer: '/lines', code: 'too_many_items' };
    const lines = Array.from({ length: 2_001 }, () => ({ lineId: newId(), quantity: 1, restock: true }));
    await shop.expectRefusal(
      () => call('taking back pieces of an order', { lines }),
      400,
      'validation_failed',
      many,
    );
  });

  it('of a parcel or a refund names each line once', async () => {
    const twice = { pointer: '/lines', code: 'duplicate_line' };
    const parcel = { lines: copies(2, { lineId: LINE_ID(), quantity: 1 }) };
    const refund = {
      lines: [{ lineId: LINE_ID() }, { lineId: LINE_ID().toUpperCase(), amount: gbp(1) }],
    };
    await shop.expectRefusal(() => call('fulfilling an order', parcel), 400, 'validation_failed', twice);
    await shop.expectRefusal(() => call('refunding a payment', refund), 400, 'validation_failed', twice);
  });

  it('of a return names each line once with restock and once without', async () => {
    const twice = { pointer: '/lines', code: 'duplicate_line' };
    for (const restock of [true, false]) {
      const lines = [LINE_ID(), LINE_ID().toUpperCase()].map((lineId) => ({ lineId, quantity: 1, restock }));
      await shop.expectRefusal(
        () => call('taking back pieces of an order', { lines }),
        400,
        'validation_failed',
        twice,
      );
    }
  });

  it('and an amount together are no refund', async () => {
    await shop.expectRefusal(
      () => call('refunding a payment', { amount: gbp(1), lines: [{ lineId: LINE_ID() }] }),
      400,
      'validation_failed',
      { pointer: '/amount', code: 'amount_or_lines' },
    );
  });
});

describe('an order is refused', () => {
  it('with every problem of its body at once', async () => {
    const { body } = await shop.expectRefusal(
      () =>
        call('placing an order', {
          lines: [{ sku: 'MUG', quantity: 0 }, { quantity: 1 }],
          email: 'ada',
          payment: { method: 'pm_card_visa', capture: 'later' },
          discount: 5,
        }),
      400,
      'validation_failed',
    );
    const problems = (body.errors as FieldProblem[]).map(({ pointer, code }) => `${pointer} ${code}`);
    expect(problems.sort()).toEqual([
      '/discount unknown_field',
      '/email invalid_format',
      '/lines/0/quantity too_small',
      '/lines/1 product_id_or_sku',
      '/payment/capture not_allowed',
    ]);
  });

  it('with every product that is not for sale at once', async () => {
    const retired = await shop.product({ active: false });
    const lines = [
      line(shop.mug),
      { sku: 'NO-SUCH-SKU', quantity: 1 },
      { productId: newId(), quantity: 1 },
      line(retired),
      { sku: shop.mug.sku.toLowerCase(), quantity: 1 },
      { sku: retired.sku, quantity: 1 },
    ];
    for (const name of ['placing an order', 'a quote']) {
      const { body } = await shop.expectRefusal(
        () => call(name, shop.order({ lines })),
        422,
        'unknown_product',
      );
      expect((body.errors as FieldProblem[]).map(({ pointer, code }) => ({ pointer, code }))).toEqual(
        ['/lines/1/sku', '/lines/2/productId', '/lines/3/productId', '/lines/4/sku', '/lines/5/sku'].map(
          (pointer) => ({ pointer, code: 'unknown_product' }),
        ),
      );
    }
  });

  it('of products in several currencies', async () => {
    const [euro, yen] = await Promise.all([
      shop.product({ currency: 'EUR' }),
      shop.product({ currency: 'JPY' }),
    ]);
    for (const name of ['placing an order', 'a quote']) {
      const { body } = await shop.expectRefusal(
        () => call(name, shop.order({ lines: [line(shop.mug), line(euro), line(shop.mug), line(yen)] })),
        422,
        'mixed_currencies',
      );
      expect([...body.currencies].sort()).toEqual(['EUR', 'GBP', 'JPY']);
    }
  });

  it('for more money than the API can name', async () => {
    const bridge = await shop.product({ price: 1_000_000_000_000 });
    const penny = await shop.product({ price: 1 });
    const expectedTotal = gbp(1_000_000_000_000);
    const most = await call('a quote', shop.order({ lines: [line(bridge)], expectedTotal }));
    expect(most).toMatchObject({ status: 200, body: { total: expectedTotal } });
    for (const lines of [
      [line(bridge), line(penny)],
      [line(bridge, 9_007), line(bridge)],
      [line(bridge, 10_000_000)],
    ]) {
      for (const name of ['placing an order', 'a quote']) {
        await shop.expectRefusal(() => call(name, shop.order({ lines })), 422, 'amount_out_of_range');
      }
    }
  });
});

describe('an id in the address', () => {
  const ROUTES: [method: string, path: (id: string) => string, by: 'customer' | 'staff', body?: object][] = [
    ['GET', (id) => `${ORDERS}/${id}`, 'customer'],
    ['GET', (id) => `${ORDERS}/${id}/timeline`, 'customer'],
    ['GET', (id) => `${ORDERS}/${id}/fulfillments`, 'customer'],
    ['GET', (id) => `${ORDERS}/${id}/returns`, 'customer'],
    ['POST', (id) => `${ORDERS}/${id}/payments`, 'customer', { method: 'pm_card_visa' }],
    ['POST', (id) => `${ORDERS}/${id}/cancel`, 'customer', {}],
    ['POST', (id) => `${ORDERS}/${id}/fulfillments`, 'staff', { lines: [{ lineId: newId(), quantity: 1 }] }],
    [
      'POST',
      (id) => `${ORDERS}/${id}/returns`,
      'staff',
      { lines: [{ lineId: newId(), quantity: 1, restock: true }] },
    ],
    ['GET', (id) => `${PAYMENTS}/${id}`, 'staff'],
    ['POST', (id) => `${PAYMENTS}/${id}/capture`, 'staff', {}],
    ['POST', (id) => `${PAYMENTS}/${id}/cancel`, 'staff', {}],
    ['POST', (id) => `${PAYMENTS}/${id}/refunds`, 'staff', {}],
  ];
  const IDS: [what: string, id: string, code: string][] = [
    ['a number', '1', 'validation_failed'],
    ['NUL', '%00', 'validation_failed'],
    ['an id that ends in NUL', '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d1%00', 'validation_failed'],
    ['a horse', '%F0%9F%90%8E', 'validation_failed'],
    ['another address', '..%2F..%2Fusers', 'validation_failed'],
    ['SQL', "'%20OR%201=1%20--", 'validation_failed'],
    ['half of a character', '%ED%A0%80', 'malformed_request'],
    ['an escape that is cut off', '%E0%A4%A', 'malformed_request'],
    ['very long', 'a'.repeat(257), 'malformed_request'],
  ];

  it.each(
    ROUTES.flatMap((route) =>
      IDS.map(([what, id, code]) => [route[0], route[1](':id'), what, id, code, route] as const),
    ),
  )('of %s %s is refused when it is %s', async (method, _, __, id, code, [, path, by, body]) => {
    const headers = { 'idempotency-key': newId() };
    await shop.expectRefusal(
      () => shop.api.call(method, path(id), { token: shop[by].token, body, headers }),
      400,
      code,
      code === 'validation_failed' ? { pointer: 'param:/id', code: 'invalid_format' } : undefined,
    );
  });

  it('may be written in capitals', async () => {
    expect(await shop.get(`${ORDERS}/${captured.id.toUpperCase()}`)).toMatchObject({
      status: 200,
      body: { id: captured.id },
    });
  });
});

describe('what is odd and yet right', () => {
  it('is stored as it is', async () => {
    const metadata = {
      constructor: 'a',
      toString: 'b',
      'a/b~c': 'd',
      '\u{1f40e}': '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
      'right to left': '\u05e9\u05dc\u05d5\u05dd',
      empty: '',
      "'; DROP TABLE orders.orders; --": '${jndi:ldap://x}',
    };
    const shippingAddress = { name: 'O’Brien <b>&amp;</b>', line1: 'Åsgård\u0301 1', country: 'NO' };
    const { id } = await shop.placed({ metadata, shippingAddress });
    const order = await shop.orderOf(id);
    expect(order).toMatchObject({ metadata, shippingAddress });
    expect(Object.keys(order.metadata)).toHaveLength(Object.keys(metadata).length);
  });

  it('is an order token of any length', async () => {
    for (const orderToken of ['x'.repeat(8_000), 'é', '%00', '']) {
      await shop.expectRefusal(
        () => shop.get(`${ORDERS}/${captured.id}`, { as: null, orderToken }),
        404,
        'order_not_found',
      );
    }
  });
});
