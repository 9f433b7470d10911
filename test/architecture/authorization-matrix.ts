import { newId } from '#kernel';
import type { Permission } from '#platform/security';
import { gbp, line, type Person, type Shop, type Wish } from '../support/shop.js';
import { SoftwareAuthenticator } from '../support/software-authenticator.js';
import type { Answer } from '../support/test-app.js';

/** Who calls. "Its" and "the owner" are those of the resource that the call is about. */
export const CALLERS = [
  'anonymous',
  'its order token',
  'another order token',
  'owner',
  'other customer',
  'staff',
  'admin',
  'key with the scope',
  'key without it',
  'bad token',
] as const;
export type Caller = (typeof CALLERS)[number];

/** How a route answers: it works, or it refuses with this status. */
export type Outcome = 'works' | 400 | 401 | 403 | 404;

/**
 * Who may call what, by the class of the route. Each class is one kind of permission, or one and what the use case asks
 * beyond it. A bad token stands for every one of BAD_TOKENS. A key that cannot have the scope has all that there are.
 */
const POLICY_OF_CLASSES = `
  class    | own      | all   | scope | anonymous | its order token | another order token | owner | other customer | staff | admin | key with the scope | key without it | bad token
  public   |          |       |       | works     | works           | works               | works | works          | works | works | works              | works          | works
  signed   |          |       |       | 400       | 400             | 400                 | 400   | 400            | 400   | 400   | 400                | 400            | 400
  anyone   | anyone   |       | yes   | works     | works           | works               | works | works          | works | works | works              | 403            | 401
  catalog  | anyone   | staff | yes   | works     | works           | works               | works | works          | works | works | works              | 403            | 401
  order    | anyone   | staff | yes   | 401       | works           | 404                 | works | 404            | works | works | works              | 403            | 401
  customer | customer |       |       | 401       | 401             | 401                 | works | works          | works | works | 403                | 403            | 401
  list     | customer | staff | yes   | 401       | 401             | 401                 | works | works          | works | works | works              | 403            | 401
  own      | customer |       |       | 401       | 401             | 401                 | works | 404            | 404   | 404   | 403                | 403            | 401
  staff    |          | staff | yes   | 401       | 401             | 401                 | 403   | 403            | works | works | works              | 403            | 401
  admin    |          | admin | yes   | 401       | 401             | 401                 | 403   | 403            | 403   | works | works              | 403            | 401
  person   |          | admin |       | 401       | 401             | 401                 | 403   | 403            | 403   | works | 403                | 403            | 401
`;

export type RouteClass =
  | 'public'
  | 'signed'
  | 'anyone'
  | 'catalog'
  | 'order'
  | 'customer'
  | 'list'
  | 'own'
  | 'staff'
  | 'admin'
  | 'person';

/** A kind of permission: who has it, in the words of the policy. */
export interface Kind {
  readonly own?: string;
  readonly all?: string;
  readonly scope?: true;
}

/** The classes as data: the kind of permission that their routes take, and how they answer each caller. */
export const CLASSES = parseClasses();

function parseClasses(): Record<RouteClass, { kind: Kind; outcomes: Record<Caller, Outcome> }> {
  const [header = [], ...rows] = POLICY_OF_CLASSES.trim()
    .split('\n')
    .map((row) => row.split('|').map((cell) => cell.trim()));
  if (header.slice(4).join() !== CALLERS.join())
    throw new Error('The policy has other columns than callers.');
  return Object.fromEntries(
    rows.map(([routeClass, own, all, scope, ...cells]) => {
      const outcomes = cells.map((cell, column) => [CALLERS[column], cell === 'works' ? cell : Number(cell)]);
      const kind = { ...(own && { own }), ...(all && { all }), ...(scope && { scope: true }) };
      return [routeClass, { kind, outcomes: Object.fromEntries(outcomes) }];
    }),
  ) as ReturnType<typeof parseClasses>;
}

/** What calls need to know of an order. */
export interface PlacedOrder {
  readonly id: string;
  readonly orderToken?: string;
  readonly lines: readonly { readonly id: string }[];
  readonly payment: { readonly id: string };
}

/** The shop as one caller finds it. */
export interface Stage {
  readonly shop: Shop;
  /** Who calls, where it is somebody with an account. */
  readonly person: Person | undefined;
  /** Whose the things are that belong to somebody. */
  readonly owner: Person;
  /** Places the order that the call is about: the owner's; a guest's, for whoever comes with an order token. */
  order(wish?: Wish, status?: number): Promise<PlacedOrder>;
}

/** What a call needs beside its route: everything but the right to make it. */
export interface Call {
  readonly id?: string;
  readonly query?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

interface Row {
  readonly of: RouteClass;
  /** What it takes, where that is more than coming. */
  readonly takes?: Permission;
  /** The status of success, 200 unless given. */
  readonly status?: number;
  readonly call?: (stage: Stage) => Call | Promise<Call>;
}

/**
 * Every route, with its class and a call of it that works for whoever may make it. A new route fails the suite until
 * it has its row here, so that opening something to the world is always a line in a review.
 */
export const ROUTES: Record<string, Row> = {
  'GET /.well-known/jwks.json': { of: 'public' },
  'GET /dev/mailbox': { of: 'public' },
  'GET /docs/errors': { of: 'public' },
  'GET /health': { of: 'public' },
  'GET /healthz': { of: 'public' },
  'GET /readyz': { of: 'public' },
  'GET /startupz': { of: 'public' },

  'POST /users': { of: 'public', status: 201, call: () => ({ body: registration() }) },
  'POST /auth/login': { of: 'public', call: () => ({ body: DEMO_CUSTOMER }) },
  'POST /auth/refresh': { of: 'public', call: async ({ shop }) => ({ body: await newSession(shop) }) },
  'POST /auth/logout': {
    of: 'public',
    status: 204,
    call: async ({ shop }) => ({ body: await newSession(shop) }),
  },
  // What opens these is the token that was mailed.
  'POST /auth/verify-email': {
    of: 'signed',
    call: () => ({ body: { token: NO_TOKEN, password: 'correct horse battery' } }),
  },
  'POST /auth/resend-verification': { of: 'public', status: 202, call: () => ({ body: anAddress() }) },
  'POST /auth/forgot-password': { of: 'public', status: 202, call: () => ({ body: anAddress() }) },
  'POST /auth/reset-password': {
    of: 'signed',
    call: () => ({ body: { token: NO_TOKEN, password: 'correct horse battery' } }),
  },
  'POST /auth/confirm-email-change': {
    of: 'signed',
    call: () => ({ body: { token: NO_TOKEN, password: 'correct horse battery' } }),
  },
  'POST /auth/second-factor': {
    of: 'signed',
    call: () => ({ body: { challengeToken: NO_TOKEN, totp: '000000' } }),
  },
  'POST /auth/passkey/options': { of: 'public' },
  'POST /auth/passkey': { of: 'signed', call: () => ({ body: { passkey: anAssertion() } }) },
  // Whoever may do these has to prove something as well, and is told that it is wrong.
  'POST /auth/step-up': {
    of: 'customer',
    takes: 'account:use',
    status: 409,
    call: () => ({ body: { totp: '000000' } }),
  },
  'POST /auth/step-up/passkey-options': { of: 'customer', takes: 'account:use', status: 409 },
  'GET /users/me/second-factor': { of: 'customer', takes: 'account:use' },
  'POST /users/me/totp': { of: 'customer', takes: 'account:use', status: 403, call: aWrongPassword },
  'POST /users/me/totp/confirm': {
    of: 'customer',
    takes: 'account:use',
    status: 409,
    call: () => ({ body: { totp: '000000' } }),
  },
  'DELETE /users/me/totp': { of: 'customer', takes: 'account:use', status: 403, call: withAnApp },
  'POST /users/me/recovery-codes': { of: 'customer', takes: 'account:use', status: 403, call: withAnApp },
  'POST /users/me/passkeys/options': {
    of: 'customer',
    takes: 'account:use',
    status: 403,
    call: aWrongPassword,
  },
  'POST /users/me/passkeys': {
    of: 'customer',
    takes: 'account:use',
    status: 400,
    call: () => ({ body: { name: 'Phone', passkey: anAttestation() } }),
  },
  'PATCH /users/me/passkeys/:id': {
    of: 'own',
    takes: 'account:use',
    call: async (stage) => ({ id: await aPasskeyOfTheOwner(stage), body: { name: 'Old phone' } }),
  },
  'DELETE /users/me/passkeys/:id': {
    of: 'own',
    takes: 'account:use',
    status: 403,
    call: async (stage) => {
      await aWrongPassword(stage);
      return { id: await aPasskeyOfTheOwner(stage), body: WRONG_CONFIRMATION };
    },
  },
  'GET /users/me': { of: 'customer', takes: 'account:use' },
  'PATCH /users/me': {
    of: 'customer',
    takes: 'account:use',
    call: async ({ shop, person }) => ({
      body: { name: `Renamed ${newId()}` },
      headers: await ifMatchUser(shop, (person ?? shop.customer).id),
    }),
  },
  'GET /users/me/identities': { of: 'customer', takes: 'account:use' },
  'DELETE /users/me/identities/:id': {
    of: 'own',
    takes: 'account:use',
    status: 204,
    call: identityOfTheOwner,
  },
  'GET /users/me/sessions': { of: 'customer', takes: 'account:use' },
  'GET /users/me/export': { of: 'customer', takes: 'account:use' },
  // Whoever may do these has to give the password as well, and is told that it is the wrong one.
  'PUT /users/me/password': {
    of: 'customer',
    takes: 'account:use',
    status: 403,
    call: async (stage) => {
      const { body } = await aWrongPassword(stage);
      const { password } = body as { password: string };
      return { body: { currentPassword: password, password: 'another horse battery' } };
    },
  },
  'POST /users/me/email-change': {
    of: 'customer',
    takes: 'account:use',
    status: 403,
    call: async (stage) => {
      const { body } = await aWrongPassword(stage);
      return { body: { ...anAddress(), ...(body as object) } };
    },
  },
  'DELETE /users/me': {
    of: 'customer',
    takes: 'account:use',
    status: 403,
    call: aWrongPassword,
  },
  'DELETE /users/me/sessions': { of: 'customer', takes: 'account:use', status: 204 },
  'DELETE /users/me/sessions/:id': {
    of: 'own',
    takes: 'account:use',
    status: 204,
    call: sessionOfTheOwner,
  },
  'GET /users': { of: 'staff', takes: 'users:read' },
  'GET /users/:id': { of: 'staff', takes: 'users:read', call: ({ owner }) => ({ id: owner.id }) },
  'PATCH /users/:id': {
    of: 'staff',
    takes: 'users:write',
    call: async ({ shop, owner }) => ({
      id: owner.id,
      body: { name: `Renamed ${newId()}` },
      headers: await ifMatchUser(shop, owner.id),
    }),
  },
  'PUT /users/:id/role': {
    of: 'person',
    takes: 'users:roles',
    call: async ({ shop, owner }) => ({
      id: owner.id,
      body: { role: 'customer' },
      headers: await ifMatchUser(shop, owner.id),
    }),
  },
  'DELETE /users/:id': {
    of: 'person',
    takes: 'users:erase',
    status: 204,
    call: async ({ shop }) => ({ id: (await shop.newCustomer()).id, body: { reason: 'To see who may' } }),
  },
  'DELETE /users/:id/second-factor': {
    of: 'person',
    takes: 'users:recover',
    status: 204,
    call: async ({ shop }) => {
      const { id } = await shop.newCustomer();
      await giveAnApp(shop, id);
      return { id };
    },
  },

  'GET /api-keys': { of: 'person', takes: 'keys:manage' },
  'POST /api-keys': {
    of: 'person',
    takes: 'keys:manage',
    status: 201,
    call: () => ({ body: { name: 'Warehouse', scopes: ['orders:read'] } }),
  },
  'DELETE /api-keys/:id': {
    of: 'person',
    takes: 'keys:manage',
    status: 204,
    call: async ({ shop }) => ({ id: (await shop.apiKey('orders:read')).id }),
  },

  'GET /products': { of: 'catalog', takes: 'catalog:read' },
  'GET /products/:id': { of: 'catalog', takes: 'catalog:read', call: ({ shop }) => ({ id: shop.mug.id }) },
  'POST /products': {
    of: 'staff',
    takes: 'catalog:write',
    status: 201,
    call: () => ({ body: newProduct() }),
  },
  'POST /products/import': {
    of: 'staff',
    takes: 'catalog:write',
    call: () => ({
      body: `sku,name,description,price_amount,currency,active\nSKU-${newId()},Mug,,100,GBP,true\n`,
      headers: { 'content-type': 'text/csv' },
    }),
  },
  'PATCH /products/:id': {
    of: 'staff',
    takes: 'catalog:write',
    call: async ({ shop }) => {
      const { id } = await shop.product({ stock: 0 });
      return { id, body: { name: 'Renamed' }, headers: { 'if-match': '"1"' } };
    },
  },
  'GET /products/:id/stock': { of: 'staff', takes: 'stock:read', call: ({ shop }) => ({ id: shop.mug.id }) },
  'GET /products/:id/stock-movements': {
    of: 'staff',
    takes: 'stock:read',
    call: ({ shop }) => ({ id: shop.mug.id }),
  },
  'POST /products/:id/stock-movements': {
    of: 'staff',
    takes: 'stock:write',
    status: 201,
    call: ({ shop }) => ({ id: shop.mug.id, body: { kind: 'receive', quantity: 1 } }),
  },

  'POST /orders': {
    of: 'anyone',
    takes: 'orders:place',
    status: 201,
    call: ({ shop }) => ({ body: shop.order({ email: `${newId()}@example.com` }) }),
  },
  'POST /orders/quote': {
    of: 'anyone',
    takes: 'orders:place',
    call: ({ shop }) => ({ body: { lines: [line(shop.mug)] } }),
  },
  'POST /orders/claim': { of: 'customer', takes: 'orders:claim', call: aConfirmedAddress },
  'POST /orders/transfer': {
    of: 'staff',
    takes: 'orders:transfer',
    call: async ({ shop, owner, order }) => {
      const ids = { fromCustomerId: owner.id, toCustomerId: shop.staff.id, orderIds: [(await order()).id] };
      return { body: { ...ids, reason: 'To see who may' } };
    },
  },
  'GET /orders': { of: 'list', takes: 'orders:list' },
  'GET /orders/:id': { of: 'order', takes: 'orders:read', call: anOrder },
  'GET /orders/:id/timeline': { of: 'order', takes: 'orders:read', call: anOrder },
  'GET /orders/:id/events': { of: 'order', takes: 'orders:read', call: anOrder },
  'POST /orders/:id/payments': {
    of: 'order',
    takes: 'orders:pay',
    status: 201,
    call: async ({ order }) => ({
      id: (await order({ method: 'pm_card_chargeDeclined' }, 402)).id,
      body: { method: 'pm_card_visa' },
    }),
  },
  'POST /orders/:id/cancel': {
    of: 'order',
    takes: 'orders:cancel',
    call: async ({ order }) => ({ id: (await order()).id, body: {} }),
  },
  'GET /orders/:id/fulfillments': { of: 'order', takes: 'orders:read', call: anOrder },
  'POST /orders/:id/fulfillments': {
    of: 'staff',
    takes: 'orders:fulfil',
    status: 201,
    call: async ({ order }) => {
      const { id, lines } = await order();
      return { id, body: { lines: [{ lineId: lines[0]!.id, quantity: 1 }] } };
    },
  },
  'GET /orders/:id/returns': { of: 'order', takes: 'orders:read', call: anOrder },
  'POST /orders/:id/close': {
    of: 'staff',
    takes: 'orders:close',
    call: async ({ shop, order }) => {
      const { id, lines } = await order({ lines: [line(shop.mug, 2)] });
      const pieces = [{ lineId: lines[0]!.id, quantity: 1 }];
      expect(await shop.fulfil(id, pieces)).toMatchObject({ status: 201 });
      return { id, body: {} };
    },
  },
  'POST /orders/:id/returns': {
    of: 'staff',
    takes: 'orders:fulfil',
    status: 201,
    call: async ({ shop, order }) => {
      const { id, lines } = await order();
      const pieces = [{ lineId: lines[0]!.id, quantity: 1 }];
      expect(await shop.fulfil(id, pieces)).toMatchObject({ status: 201 });
      return { id, body: { lines: pieces.map((piece) => ({ ...piece, restock: true })) } };
    },
  },

  'GET /payments': { of: 'staff', takes: 'payments:read' },
  'GET /payments/:id': { of: 'staff', takes: 'payments:read', call: aPayment() },
  'POST /payments/:id/capture': {
    of: 'staff',
    takes: 'payments:capture',
    call: aPayment({ capture: 'manual' }),
  },
  'POST /payments/:id/cancel': {
    of: 'staff',
    takes: 'payments:void',
    call: aPayment({ capture: 'manual' }),
  },
  'POST /payments/:id/refunds': { of: 'staff', takes: 'payments:refund', status: 201, call: aPayment() },

  // What opens it is the signature of the gateway, which no token replaces.
  'POST /payment-webhooks/:gateway': { of: 'signed', call: () => ({ id: 'sandbox', body: {} }) },
  'GET /disputes': { of: 'staff', takes: 'payments:read' },
  'GET /disputes/:id': { of: 'staff', takes: 'payments:read', call: aDispute },
  'GET /admin/audit-log': { of: 'admin', takes: 'audit:read' },
  'GET /admin/audit-log/verify': { of: 'admin', takes: 'audit:read' },
  'GET /admin/stuck': { of: 'admin', takes: 'operations:read' },
  'POST /admin/operations/:id/resolve': { of: 'person', takes: 'operations:write', call: aStuckOperation },
  'POST /admin/reports/:id/settle': {
    of: 'person',
    takes: 'operations:write',
    status: 204,
    call: aContradiction,
  },

  'GET /sales/daily': { of: 'staff', takes: 'sales:read' },
  'GET /webhook-endpoints': { of: 'staff', takes: 'webhooks:read' },
  'GET /webhook-endpoints/:id': { of: 'staff', takes: 'webhooks:read', call: aWebhookEndpoint },
  'GET /webhook-endpoints/:id/deliveries': { of: 'staff', takes: 'webhooks:read', call: aWebhookEndpoint },
  'POST /webhook-endpoints': {
    of: 'admin',
    takes: 'webhooks:write',
    status: 201,
    call: () => ({ body: newWebhookEndpoint() }),
  },
  'PATCH /webhook-endpoints/:id': { of: 'admin', takes: 'webhooks:write', call: aWebhookEndpoint },
  'DELETE /webhook-endpoints/:id': {
    of: 'admin',
    takes: 'webhooks:write',
    status: 204,
    call: aWebhookEndpoint,
  },
  'POST /webhook-endpoints/:id/rotate-secret': {
    of: 'admin',
    takes: 'webhooks:write',
    call: aWebhookEndpoint,
  },
  'POST /webhook-endpoints/:id/ping': { of: 'admin', takes: 'webhooks:write', call: aWebhookEndpoint },
  'POST /webhook-endpoints/:id/replay': {
    of: 'admin',
    takes: 'webhooks:write',
    status: 202,
    call: async (stage) => ({
      ...(await aWebhookEndpoint(stage)),
      body: { after: '2026-01-01T00:00:00.000Z', before: '2026-01-02T00:00:00.000Z' },
    }),
  },
  'GET /webhook-deliveries/:id': { of: 'staff', takes: 'webhooks:read', call: aWebhookDelivery },
  'POST /webhook-deliveries/:id/retry': {
    of: 'admin',
    takes: 'webhooks:write',
    status: 202,
    call: aWebhookDelivery,
  },

  'GET /ledger/accounts': { of: 'admin', takes: 'ledger:read' },
  'GET /ledger/transactions': { of: 'admin', takes: 'ledger:read' },
  'GET /ledger/trial-balance': { of: 'admin', takes: 'ledger:read' },

  'GET /admin/invariants': { of: 'admin', takes: 'operations:read' },
  'POST /admin/invariants/freeze': {
    of: 'person',
    takes: 'operations:write',
    call: () => ({ body: { reason: 'To see who may' } }),
  },
  'DELETE /admin/invariants/freeze': {
    of: 'person',
    takes: 'operations:write',
    call: () => ({ body: { reason: 'To see who may' } }),
  },

  'GET /events': { of: 'staff', takes: 'events:read' },
  'GET /admin/dead-letters': { of: 'admin', takes: 'operations:read' },
  'POST /admin/dead-letters/redrive': {
    of: 'person',
    takes: 'operations:write',
    call: () => ({ body: { all: true, reason: 'To see who may' } }),
  },
  'POST /admin/dead-letters/discard': {
    of: 'person',
    takes: 'operations:write',
    status: 204,
    call: aDeadLetter,
  },
};

/** What is served outside the API's prefix. */
const OUTSIDE_THE_PREFIX = ['/.well-known', '/dev', '/docs', '/health', '/readyz', '/startupz'];

/** Makes a call of `route` with these headers, under a key of its own. */
export function send(
  { api }: Shop,
  route: string,
  { id, query = '', body, headers }: Call,
  credentials: Record<string, string>,
): Promise<Answer> {
  const [method = '', template = ''] = route.split(' ');
  const prefix = OUTSIDE_THE_PREFIX.some((path) => template.startsWith(path)) ? '' : '/api/v1';
  const path = prefix + template.replace(/:\w+/, id ?? '') + query;
  const key: Record<string, string> = method === 'POST' ? { 'idempotency-key': newId() } : {};
  const sent = method === 'GET' ? undefined : body;
  return api.call(method, path, { body: sent, headers: { ...key, ...headers, ...credentials } });
}

const DEMO_CUSTOMER = { email: 'customer@example.com', password: 'steelyard-demo' };

/** Long enough to be one, and nobody's. */
const NO_TOKEN = 'x'.repeat(43);

function anAddress() {
  return { email: `${newId()}@example.com` };
}

async function aConfirmedAddress({ shop, person }: Stage): Promise<Call> {
  await shop.sql.query('UPDATE users.users SET email_verified_at = now() WHERE id = $1', [person?.id]);
  return { body: {} };
}

function registration() {
  return { email: `${newId()}@example.com`, password: 'correct horse battery', name: 'Grace' };
}

function newProduct() {
  return { sku: `SKU-${newId()}`, name: 'Stoneware mug', price: gbp(100) };
}

/** A log-in of its own; what refreshing and ending it takes. */
const WRONG_CONFIRMATION = { password: 'not the password', totp: '000000' };

/**
 * A wrong password. Before it comes the right one, in the same session, which forgets those that were wrong: else they
 * would be too many.
 */
async function aWrongPassword({ shop, person }: Stage): Promise<Call> {
  if (person !== undefined) {
    const { staff, admin } = shop;
    const isDemo = [staff.id, admin.id].includes(person.id);
    const password = isDemo ? DEMO_CUSTOMER.password : registration().password;
    await shop.api.post('/api/v1/users/me/passkeys/options', { password }, { token: person.token });
  }
  return { body: { password: 'not the password' } };
}

/** A body that confirms nothing, of somebody who has an authenticator app that nobody else knows. */
async function withAnApp(stage: Stage): Promise<Call> {
  await aWrongPassword(stage);
  await giveAnApp(stage.shop, stage.person?.id);
  return { body: WRONG_CONFIRMATION };
}

async function giveAnApp({ sql }: Shop, userId: string | undefined): Promise<void> {
  await sql.query(
    `INSERT INTO users.totp (user_id, sealed_secret, created_at, confirmed_at)
     SELECT id, '', now(), now() FROM users.users WHERE id = $1 ON CONFLICT DO NOTHING`,
    [userId],
  );
}

/** The id of a passkey that nobody can use. */
async function aPasskeyOfTheOwner({ shop, owner }: Stage): Promise<string> {
  const { rows } = await shop.sql.query<{ id: string }>(
    `INSERT INTO users.passkeys
     VALUES (uuidv7(), $1, 'Phone', uuidv7()::text, '', 0, '{}', false, now()) RETURNING id`,
    [owner.id],
  );
  return rows[0]!.id;
}

/** Somebody whose device has answered what nobody asked. */
function anAttestation() {
  const device = new SoftwareAuthenticator();
  return device.create({ challenge: NO_TOKEN, user: { id: 'AZdvXo08elGcfj8fOyqdEA' } });
}

function anAssertion() {
  return new SoftwareAuthenticator().get({ challenge: NO_TOKEN });
}

async function newSession({ api }: Shop): Promise<{ refreshToken: string }> {
  const { body } = await api.post('/api/v1/auth/login', DEMO_CUSTOMER);
  return { refreshToken: body.refreshToken };
}

/** Another session of the owner, who may have a second factor by now, so nobody logs in for it. */
async function identityOfTheOwner({ shop, owner }: Stage): Promise<Call> {
  const { rows } = await shop.sql.query<{ id: string }>(
    `INSERT INTO users.external_identities (issuer, subject, user_id, linked_at)
     VALUES ('https://login.example.com', uuidv7()::text, $1, now()) RETURNING id`,
    [owner.id],
  );
  return { id: rows[0]!.id };
}

async function sessionOfTheOwner({ shop, owner }: Stage): Promise<Call> {
  const { rows } = await shop.sql.query<{ id: string }>(
    `INSERT INTO users.sessions (id, user_id, token_hash, expires_at)
     VALUES (uuidv7(), $1, '', now() + interval '1 day') RETURNING id`,
    [owner.id],
  );
  return { id: rows[0]!.id };
}

async function ifMatchUser({ sql }: Shop, userId: string): Promise<Record<string, string>> {
  const { rows } = await sql.query<{ version: number }>('SELECT version FROM users.users WHERE id = $1', [
    userId,
  ]);
  return { 'if-match': `"${rows[0]!.version}"` };
}

function newWebhookEndpoint() {
  return { url: 'https://partner.example/hooks', eventTypes: ['*'] };
}

/** An endpoint that nothing is connected to: what is sent there is refused before that. */
async function aWebhookEndpoint({ shop }: Stage): Promise<{ id: string } & Call> {
  const { body } = await shop.api.post('/api/v1/webhook-endpoints', newWebhookEndpoint(), {
    token: shop.admin.token,
  });
  await shop.sql.query(`UPDATE webhooks.endpoints SET url = 'https://127.0.0.1/' WHERE id = $1`, [body.id]);
  return { id: body.id, headers: { 'if-match': '"1"' }, body: {} };
}

async function aWebhookDelivery(stage: Stage): Promise<Call> {
  const id = newId();
  await stage.shop.sql.query(
    `INSERT INTO webhooks.deliveries
       (id, endpoint_id, event_id, event_type, event, status, next_attempt_at, created_at)
     VALUES ($1, $2, $1, 'steelyard.order.placed.v1', '{}', 'pending', now(), now())`,
    [id, (await aWebhookEndpoint(stage)).id],
  );
  return { id, body: {} };
}

async function anOrder({ order }: Stage): Promise<Call> {
  return { id: (await order()).id };
}

function aPayment(wish: Wish = {}) {
  return async ({ order }: Stage): Promise<Call> => ({ id: (await order(wish)).payment.id, body: {} });
}

async function aDispute({ shop, order }: Stage): Promise<Call> {
  const { payment } = await order();
  const id = newId();
  await shop.sql.query(
    `INSERT INTO payments.disputes (id, payment_id, gateway_id, amount, reason, status)
     VALUES ($1, $2, 'dp_1', 100, 'general', 'inquiry')`,
    [id, payment.id],
  );
  return { id };
}

/** A report of the gateway that contradicts the books. */
async function aContradiction({ shop }: Stage): Promise<Call> {
  const id = `evt_${newId()}`;
  await shop.sql.query(
    `INSERT INTO payments.gateway_reports (gateway, id, type, payload, status)
     VALUES ('sandbox', $1, 'answer', '{}', 'contradiction')`,
    [id],
  );
  return { id, body: { reason: 'To see who may' } };
}

/** An event that a consumer has given up. */
async function aDeadLetter({ shop, order }: Stage): Promise<Call> {
  const { id } = await order();
  await shop.relayEvents();
  const events = await shop.eventsOf('order', id);
  await shop.giveUp('test.matrix', events, new Error('To see who may'));
  return { body: { consumer: 'test.matrix', eventId: events[0]?.id, reason: 'To see who may' } };
}

async function aStuckOperation({ shop, order }: Stage): Promise<Call> {
  const { payment } = await order({ method: 'pm_sim_timeout_before_effect' }, 202);
  const { operations } = await shop.paymentOf(payment.id);
  const { id } = operations[0];
  await shop.sql.query(
    `UPDATE payments.operations SET status = 'unknown', needs_attention_since = now() WHERE id = $1`,
    [id],
  );
  return { id, body: { outcome: 'failed', reason: 'The gateway knows nothing of it' } };
}
