import { type Currency, newId, type Role } from '#kernel';
import { DemoUsers } from '#users';
import { Client } from 'pg';
import { Backstage } from './backstage.js';
import { findBreaches } from './invariants.js';
import { type Answer, TestApp } from './test-app.js';

export const ORDERS = '/api/v1/orders';
export const PAYMENTS = '/api/v1/payments';
export const LEDGER = '/api/v1/ledger';
const PRODUCTS = '/api/v1/products';

/** Somebody with an account and a token. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly token: string;
}

/** A product of the shop, as far as tests need to know it; `price` in minor units. */
export interface Product {
  readonly id: string;
  readonly sku: string;
  readonly price: number;
}

export interface RequestedLine {
  readonly productId?: string;
  readonly sku?: string;
  readonly quantity: number;
}

/** The body of an order, of which a test names what matters to it. */
export interface Wish {
  readonly lines?: readonly RequestedLine[];
  readonly method?: string;
  readonly capture?: 'automatic' | 'manual' | 'on_fulfillment';
  readonly [field: string]: unknown;
}

/** How a call is made: by whom (`null`: a guest), with which key (`null`: without), with which order token. */
export interface Manner {
  readonly as?: Person | null | undefined;
  readonly key?: string | null | undefined;
  readonly orderToken?: string | undefined;
  readonly headers?: Record<string, string>;
}

/** One entry of a problem's `errors`. */
export interface FieldProblem {
  readonly pointer: string;
  readonly code: string;
}

/** What is in the house of a product. */
export interface Stock {
  readonly onHand: number;
  readonly reserved: number;
  readonly available: number;
}

/** So many pieces of a product. */
export function line({ id }: Product, quantity = 1): RequestedLine {
  return { productId: id, quantity };
}

export function gbp(amount: number) {
  return { amount, currency: 'GBP' };
}

/** A shop that is open: the whole API with people and products at hand. */
export class Shop extends Backstage {
  customer!: Person;
  staff!: Person;
  admin!: Person;
  /** Costs 1000 and never sells out: for tests to which the product does not matter. */
  mug!: Product;
  private statesOfTables: Promise<string> | undefined;

  static async open(settings: Record<string, string> = {}): Promise<Shop> {
    const api = await TestApp.start(settings);
    const sql = new Client({ connectionString: api.database.url });
    await sql.connect();
    const shop = new Shop(api, sql);
    const accounts = await api.app.get(DemoUsers).ensure();
    const signIn = (role: Role) => {
      const { email, password } = accounts.find((account) => account.role === role)!;
      return shop.signIn(email, password);
    };
    [shop.customer, shop.staff, shop.admin] = await Promise.all([
      signIn('customer'),
      signIn('staff'),
      signIn('admin'),
    ]);
    shop.mug = await shop.product({ stock: 1_000_000 });
    return shop;
  }

  /** Brings everything that is on its way to its end, expects every invariant to hold, and closes. */
  async close(): Promise<void> {
    try {
      await this.settle();
      expect(await findBreaches(this.sql)).toEqual({});
    } finally {
      await this.sql.end();
      await this.api.stop();
    }
  }

  async signIn(email: string, password: string): Promise<Person> {
    const { status, body } = await this.api.post('/api/v1/auth/login', { email, password });
    expect(status).toBe(200);
    return { id: body.user.id, email, token: body.accessToken };
  }

  /** A customer that nobody knew before. */
  async newCustomer(): Promise<Person> {
    const person = { email: `${newId()}@example.com`, password: 'correct horse battery', name: 'Grace' };
    expect(await this.api.post('/api/v1/users', person)).toMatchObject({ status: 201 });
    return this.signIn(person.email, person.password);
  }

  /** A key of a machine with these scopes. */
  async apiKey(...scopes: string[]): Promise<{ id: string; key: string }> {
    const wish = { name: 'Machine', scopes };
    const { status, body } = await this.api.post('/api/v1/api-keys', wish, { token: this.admin.token });
    expect(status).toBe(201);
    return { id: body.id, key: body.key };
  }

  async product({
    price = 1_000,
    currency = 'GBP',
    stock = 100,
    ...fields
  }: {
    price?: number;
    currency?: Currency;
    stock?: number;
    sku?: string;
    name?: string;
    active?: boolean;
  } = {}): Promise<Product> {
    const text = { sku: `SKU-${newId()}`, name: 'Stoneware mug', ...fields };
    const { status, body } = await this.api.post(
      PRODUCTS,
      { ...text, price: { amount: price, currency } },
      { token: this.staff.token },
    );
    expect(status).toBe(201);
    if (stock > 0) {
      const arrival = { kind: 'receive', quantity: stock };
      expect(
        await this.post(`${PRODUCTS}/${body.id}/stock-movements`, arrival, { as: this.staff }),
      ).toMatchObject({ status: 201 });
    }
    return { id: body.id, sku: text.sku, price };
  }

  /** The body of an order that is as a shop would like it; `wish` names the differences. */
  order({ lines = [line(this.mug)], method = 'pm_card_visa', capture = 'automatic', ...rest }: Wish = {}) {
    return { lines, payment: { method, capture }, ...rest };
  }

  /** Places an order: the customer's, unless the manner names somebody else. */
  place(wish: Wish = {}, manner: Manner = {}): Promise<Answer> {
    return this.post(ORDERS, this.order(wish), manner);
  }

  /** Places an order and expects it to be answered with `status`; its body. */
  async placed(wish: Wish = {}, manner: Manner = {}, status = 201): Promise<Answer['body']> {
    const answer = await this.place(wish, manner);
    expect(answer).toMatchObject({ status });
    return answer.body;
  }

  /** Places an order of a guest with an address of their own; its body, which holds the token. */
  placedByGuest(wish: Wish = {}, status = 201): Promise<Answer['body']> {
    return this.placed({ email: `${newId()}@example.com`, ...wish }, { as: null }, status);
  }

  pay(orderId: string, method = 'pm_card_visa', manner: Manner = {}): Promise<Answer> {
    return this.post(`${ORDERS}/${orderId}/payments`, { method }, manner);
  }

  cancel(orderId: string, manner: Manner = {}, reason?: string): Promise<Answer> {
    return this.post(`${ORDERS}/${orderId}/cancel`, { reason }, manner);
  }

  /** Staff send out pieces of lines. */
  fulfil(
    orderId: string,
    lines: readonly { lineId: string; quantity: number }[],
    manner: Manner = {},
  ): Promise<Answer> {
    return this.post(`${ORDERS}/${orderId}/fulfillments`, { lines }, { as: this.staff, ...manner });
  }

  /** Staff give up what has not left of an order. */
  closeOrder(orderId: string, manner: Manner = {}, reason?: string): Promise<Answer> {
    return this.post(`${ORDERS}/${orderId}/close`, { reason }, { as: this.staff, ...manner });
  }

  /** Staff take back pieces of lines, to be sold again unless an entry says otherwise. */
  takeBack(
    orderId: string,
    lines: readonly { lineId: string; quantity: number; restock?: boolean }[],
    manner: Manner = {},
    fields: { id?: string; reason?: string } = {},
  ): Promise<Answer> {
    const body = { lines: lines.map((line) => ({ restock: true, ...line })), ...fields };
    return this.post(`${ORDERS}/${orderId}/returns`, body, { as: this.staff, ...manner });
  }

  capture(paymentId: string, amount?: number, manner: Manner = {}): Promise<Answer> {
    const body = amount === undefined ? {} : { amount: gbp(amount) };
    return this.post(`${PAYMENTS}/${paymentId}/capture`, body, { as: this.staff, ...manner });
  }

  void(paymentId: string, manner: Manner = {}): Promise<Answer> {
    return this.post(`${PAYMENTS}/${paymentId}/cancel`, {}, { as: this.staff, ...manner });
  }

  refund(paymentId: string, body: object = {}, manner: Manner = {}): Promise<Answer> {
    return this.post(`${PAYMENTS}/${paymentId}/refunds`, body, { as: this.staff, ...manner });
  }

  post(path: string, body: unknown, manner: Manner = {}): Promise<Answer> {
    const { as = this.customer, key = newId(), orderToken, headers = {} } = manner;
    return this.api.post(path, body, {
      token: as?.token,
      headers: {
        ...(key === null ? {} : { 'idempotency-key': key }),
        ...orderTokenHeader(orderToken),
        ...headers,
      },
    });
  }

  get(path: string, { as = this.customer, orderToken, headers = {} }: Manner = {}): Promise<Answer> {
    return this.api.get(path, {
      token: as?.token,
      headers: { ...orderTokenHeader(orderToken), ...headers },
    });
  }

  /** What staff see at `path`. */
  async read(path: string): Promise<Answer['body']> {
    const { status, body } = await this.get(path, { as: this.admin });
    expect(status).toBe(200);
    return body;
  }

  orderOf(orderId: string): Promise<Answer['body']> {
    return this.read(`${ORDERS}/${orderId}`);
  }

  paymentOf(paymentId: string): Promise<Answer['body']> {
    return this.read(`${PAYMENTS}/${paymentId}`);
  }

  async stock({ id }: Product): Promise<Stock> {
    const { onHand, reserved, available } = await this.read(`${PRODUCTS}/${id}/stock`);
    return { onHand, reserved, available };
  }

  /** The causes of an order's transitions, oldest first. */
  async causes(orderId: string): Promise<string[]> {
    const { data } = await this.read(`${ORDERS}/${orderId}/timeline`);
    return (data as { cause: string }[]).map(({ cause }) => cause).reverse();
  }

  /** What the ledger says of one order: the balance of each account that is not even, in minor units. */
  async ledgerOf(orderId: string): Promise<Record<string, number>> {
    const { data } = await this.read(`${LEDGER}/transactions?limit=100&orderId=${orderId}`);
    const balances: Record<string, number> = {};
    for (const { postings } of data as { postings: { account: string; amount: { amount: number } }[] }[]) {
      for (const { account, amount } of postings) {
        balances[account] = (balances[account] ?? 0) + amount.amount;
      }
    }
    return Object.fromEntries(Object.entries(balances).filter(([, amount]) => amount !== 0));
  }

  /** The names of the events about one aggregate, in order. */
  async events(aggregateId: string): Promise<string[]> {
    const { rows } = await this.sql.query<{ type: string }>(
      'SELECT type FROM platform.outbox WHERE aggregate_id = $1 ORDER BY sequence',
      [aggregateId],
    );
    return rows.map(({ type }) => type.replace(/^steelyard\.(.*)\.v1$/, '$1'));
  }

  /** How many rows each table has, and which transaction wrote the newest: whatever is stored changes one of them. */
  async stored(): Promise<Record<string, string>> {
    // Prepared: to plan it for so many tables takes longer than to answer it.
    this.statesOfTables ??= this.statesOfAllTables();
    const { rows } = await this.sql.query<{ name: string; state: string }>({
      name: 'states_of_tables',
      text: await this.statesOfTables,
    });
    return Object.fromEntries(rows.map(({ name, state }) => [name, state]));
  }

  private async statesOfAllTables(): Promise<string> {
    const { rows: tables } = await this.sql.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
        WHERE schemaname IN ('platform', 'users', 'catalog', 'payments', 'orders', 'sales', 'webhooks') ORDER BY name`,
    );
    const states = tables.map(
      ({ name }) =>
        `SELECT '${name}' AS name, count(*) || '/' || max(xmin::text::bigint) AS state FROM ${name}`,
    );
    return states.join(' UNION ALL ');
  }

  /** Makes a call, and expects exactly this problem and that nothing was stored. */
  async expectRefusal(
    call: () => Promise<Answer>,
    status: number,
    code: string,
    field?: FieldProblem,
  ): Promise<Answer> {
    const before = await this.stored();
    const answer = await call();
    expectProblem(answer, status, code);
    if (field) expect(answer.body.errors).toContainEqual(expect.objectContaining(field));
    expect(await this.stored()).toEqual(before);
    return answer;
  }
}

/** Expects an RFC 9457 problem with this status and code. */
function expectProblem({ status, headers, body }: Answer, expected: number, code: string): void {
  expect({ status, code: body.code }).toEqual({ status: expected, code });
  expect(headers.get('content-type')).toContain('application/problem+json');
  expect(body).toMatchObject({ status: expected, requestId: headers.get('x-request-id') });
}

function orderTokenHeader(orderToken: string | undefined): Record<string, string> {
  return orderToken === undefined ? {} : { 'x-order-token': orderToken };
}
