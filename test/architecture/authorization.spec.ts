import { newId } from '#kernel';
import { Lifecycle } from '#platform/lifecycle';
import { grantOf, type Permission, SCOPES } from '#platform/security';
import { BAD_TOKENS, type BadToken, badTokens } from '../support/bad-tokens.js';
import { routesOf } from '../support/routes.js';
import { ORDERS, type Person, Shop } from '../support/shop.js';
import type { Answer } from '../support/test-app.js';
import {
  type Call,
  type Caller,
  CALLERS,
  CLASSES,
  type Kind,
  type PlacedOrder,
  ROUTES,
  send,
  type Stage,
} from './authorization-matrix.js';

const KEY_CALLERS = new Set<Caller>(['key with the scope', 'key without it']);
const ORDER_TOKEN_CALLERS = new Set<Caller>(['its order token', 'another order token']);

let shop: Shop;
let owner: Person;
let otherCustomer: Person;
let anotherOrderToken: string;
let badHeaders: Record<BadToken, string>;
/** Keys by their scopes. */
const keys = new Map<string, string>();

beforeAll(async () => {
  // The calls to the gateway that find no answer shall not take long.
  shop = await Shop.open({ GATEWAY_TIMEOUT_MS: '100' });
  shop.api.app.get(Lifecycle).markStarted();
  owner = await shop.newCustomer();
  otherCustomer = await shop.newCustomer();
  ({ orderToken: anotherOrderToken } = await shop.placedByGuest());
  badHeaders = await badTokens(shop);
});
afterAll(async () => {
  // What was stuck for the sake of the test comes to its end with everything else.
  await shop.sql.query('UPDATE payments.operations SET needs_attention_since = NULL');
  await shop.sql.query(
    `UPDATE payments.gateway_reports SET status = 'settled' WHERE status = 'contradiction'`,
  );
  await shop.close();
});

function personOf(caller: Caller): Person | undefined {
  switch (caller) {
    case 'owner':
      return owner;
    case 'other customer':
      return otherCustomer;
    case 'staff':
    case 'admin':
      return shop[caller];
    default:
      return undefined;
  }
}

/** A call of the route that is right in everything but, maybe, who makes it; and the token of its order. */
async function prepare(route: string, caller: Caller): Promise<{ call: Call; orderToken: string }> {
  let orderToken = anotherOrderToken;
  const order: Stage['order'] = async (wish, status) => {
    const isGuests = ORDER_TOKEN_CALLERS.has(caller);
    const placed: PlacedOrder = isGuests
      ? await orderIn(shop.place({ email: `${newId()}@example.com`, ...wish }, { as: null }), status)
      : await orderIn(shop.place(wish, { as: owner }), status);
    if (caller === 'its order token') orderToken = placed.orderToken!;
    return placed;
  };
  const call = (await ROUTES[route]?.call?.({ shop, owner, person: personOf(caller), order })) ?? {};
  return { call, orderToken };
}

/** The order in an answer, which is a problem where the payment was declined. */
async function orderIn(answer: Promise<Answer>, expected = 201): Promise<PlacedOrder> {
  const { status, body } = await answer;
  expect(status).toBe(expected);
  return (body.order ?? body) as PlacedOrder;
}

/** The outcome in the words of the policy; what it cannot be is told as it is. */
function outcomeOf(route: string, { status, body }: Answer, refusedWith: string[]): unknown {
  if (refusedWith.includes(body?.code)) return status;
  return status === (ROUTES[route]?.status ?? 200) ? 'works' : { status, code: body?.code };
}

/** The secret that opens a route beside any token is not there. */
const NO_SECRET = ['webhook_signature_invalid', 'invalid_or_expired_token'];
const REFUSALS = ['authentication_required', 'forbidden', ...NO_SECRET];
/** What whoever may not know that something exists is told. */
const NOT_FOUND = ['order_not_found', 'session_not_found', 'passkey_not_found', 'identity_not_found'];

/** Makes the call; one that is refused must have changed nothing. */
async function attempt(
  route: string,
  call: Call,
  credentials: Record<string, string>,
  refusedWith: string[],
): Promise<unknown> {
  const before = await shop.stored();
  const outcome = outcomeOf(route, await send(shop, route, call, credentials), refusedWith);
  if (outcome !== 'works') expect(await shop.stored()).toEqual(before);
  return outcome;
}

/** The kind of a permission. */
function kindOf(permission: Permission): Kind {
  const { own, all, scope } = grantOf(permission);
  return { ...(own && { own }), ...(all && { all }), ...(scope && { scope }) };
}

/** A key that has the scope, or all scopes where there is none of this name; or a key that has all but it. */
async function keyFor(permission: Permission | undefined, withScope: boolean): Promise<string> {
  const others = SCOPES.filter((scope) => scope !== permission);
  const isScope = others.length < SCOPES.length;
  const scopes = withScope && isScope && permission ? [permission] : others;
  const name = scopes.join(' ');
  const known = keys.get(name);
  if (known !== undefined) return known;
  const { id, key } = await shop.apiKey(...scopes);
  // That a key was used is noted now and then, whatever came of the call: for this test it was used just now.
  await shop.sql.query(`UPDATE users.api_keys SET last_used_at = now() + interval '1 hour' WHERE id = $1`, [
    id,
  ]);
  keys.set(name, key);
  return key;
}

/** What every known or unknown person, and every key, gets. */
async function outcomeFor(route: string, caller: Caller): Promise<unknown> {
  const { call, orderToken } = await prepare(route, caller);
  const token = KEY_CALLERS.has(caller)
    ? await keyFor(ROUTES[route]?.takes, caller === 'key with the scope')
    : personOf(caller)?.token;
  const credentials: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  if (ORDER_TOKEN_CALLERS.has(caller)) credentials['x-order-token'] = orderToken;
  return attempt(route, call, credentials, [...REFUSALS, ...NOT_FOUND]);
}

/** What bad tokens get: the one outcome of all of them, or the outcome of each. */
async function outcomeForBadTokens(route: string): Promise<unknown> {
  const outcomes = new Map<BadToken, unknown>();
  let { call } = await prepare(route, 'bad token');
  for (const fault of BAD_TOKENS) {
    const credentials = { authorization: badHeaders[fault] };
    const outcome = await attempt(route, call, credentials, ['invalid_token', ...NO_SECRET]);
    outcomes.set(fault, outcome);
    if (outcome === 'works') ({ call } = await prepare(route, 'bad token'));
  }
  const [first] = outcomes.values();
  const isOne = [...outcomes.values()].every((outcome) => outcome === first);
  return isOne ? first : Object.fromEntries(outcomes);
}

describe('who may call what', () => {
  it('is said of every route, and each takes a permission of the kind of its class', () => {
    const declared = routesOf(shop.api.app).map(({ name, access }) => [name, access]);
    const expected = Object.entries(ROUTES).map(([name, { takes = 'public' }]) => [name, takes]);
    // Strictly: a route without any rule has an undefined one.
    expect(Object.fromEntries(declared)).toStrictEqual(Object.fromEntries(expected));
    const kinds = Object.entries(ROUTES).map(([name, { takes }]) => [name, takes ? kindOf(takes) : {}]);
    const kindsOfClasses = Object.entries(ROUTES).map(([name, { of }]) => [name, CLASSES[of].kind]);
    expect(Object.fromEntries(kinds)).toEqual(Object.fromEntries(kindsOfClasses));
  });

  it.each(Object.keys(ROUTES))('%s answers each caller as its class says', async (route) => {
    const outcomes: Partial<Record<Caller, unknown>> = {};
    for (const caller of CALLERS) {
      outcomes[caller] =
        caller === 'bad token' ? await outcomeForBadTokens(route) : await outcomeFor(route, caller);
    }
    expect(outcomes).toEqual(CLASSES[ROUTES[route]!.of].outcomes);
  });

  it('an order token opens its own order to another customer, too, and staff are not kept out by a wrong one', async () => {
    const { id, orderToken } = await shop.placedByGuest();
    const call = { as: otherCustomer, orderToken };
    expect(await shop.get(`${ORDERS}/${id}`, call)).toMatchObject({ status: 200, body: { id } });
    const wrong = { as: shop.staff, orderToken: anotherOrderToken };
    expect(await shop.get(`${ORDERS}/${id}`, wrong)).toMatchObject({ status: 200 });
  });
});
