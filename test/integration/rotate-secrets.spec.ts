import { newId } from '#kernel';
import { Config } from '#platform/config';
import { AccessTokens } from '#platform/security';
import { createApi } from '../../apps/api/src/index.js';
import { rotateSecret } from '../../apps/cli/src/rotate-secret.js';
import { ORDERS, Shop } from '../support/shop.js';
import type { TestApp } from '../support/test-app.js';

let shop: Shop;
/** Another replica: its settings change later, or earlier. */
let replica: Shop;

beforeAll(async () => {
  [shop, replica] = [await Shop.open(), await Shop.open()];
});
afterAll(async () => {
  await replica.close();
  await shop.close();
});

const configOf = ({ api }: Shop) => api.app.get(Config);

/** As a reload does it. */
function set(replicaOrShop: Shop, value: string): void {
  const config = configOf(replicaOrShop);
  config.replace({ ...config.settings, SIGNING_KEYS: value });
}

const newToken = ({ api }: Shop) =>
  api.app
    .get(AccessTokens)
    .issue({ userId: newId(), role: 'customer', sessionId: newId(), aal: 1, amr: ['pwd'] });

const statusWith = async (api: TestApp, token: string) => (await api.get(ORDERS, { token })).status;

const keyIdOf = (token: string) =>
  (JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as { kid: string }).kid;

const publishedKeyIds = async ({ api }: Shop) =>
  ((await api.get('/.well-known/jwks.json')).body.keys as { kid: string }[]).map(({ kid }) => kid);

describe('the rotation of SIGNING_KEYS', () => {
  const issued: string[] = [];

  beforeAll(() => set(replica, configOf(shop).settings.SIGNING_KEYS!));

  /** Every replica signs, and every token so far is good at every replica. */
  async function expectAllGood(): Promise<void> {
    issued.push(await newToken(shop), await newToken(replica));
    for (const token of issued) {
      expect([await statusWith(shop.api, token), await statusWith(replica.api, token)]).toEqual([200, 200]);
    }
  }

  it('refuses no token on the way, while replicas are one step apart', async () => {
    const [a] = await publishedKeyIds(shop);
    await expectAllGood();
    for (const step of ['add', 'promote'] as const) {
      const value = await rotateSecret('SIGNING_KEYS', configOf(shop).settings.SIGNING_KEYS!, step);
      set(shop, value);
      await expectAllGood();
      set(replica, value);
      await expectAllGood();
    }
    const [b, last] = await publishedKeyIds(shop);
    expect(last).toBe(a);
    expect(keyIdOf(issued[0]!)).toBe(a);
    expect(keyIdOf(issued.at(-1)!)).toBe(b);
    // Whoever caches the public keys knew the new one before anything was signed with it.
    expect((await shop.api.get('/.well-known/jwks.json')).headers.get('cache-control')).toBe(
      'public, max-age=300',
    );
  });

  it('ends what the old key signed when it is dropped, and nothing else', async () => {
    const value = await rotateSecret('SIGNING_KEYS', configOf(shop).settings.SIGNING_KEYS!, 'drop');
    const [b] = await publishedKeyIds(shop);
    set(shop, value);
    expect(await publishedKeyIds(shop)).toEqual([b]);
    expect(issued.map(keyIdOf)).toContain(b);
    for (const token of issued) {
      expect(await statusWith(shop.api, token)).toBe(keyIdOf(token) === b ? 200 : 401);
    }
  });

  it('needs its first step: a key that signs before others know it is refused by them', async () => {
    const added = await rotateSecret('SIGNING_KEYS', configOf(shop).settings.SIGNING_KEYS!, 'add');
    set(shop, await rotateSecret('SIGNING_KEYS', added, 'promote'));
    expect(await statusWith(replica.api, await newToken(shop))).toBe(401);
  });
});

describe('the rotation of APP_SECRET', () => {
  /** What a shop answers on the same database that was started with another secret. */
  async function withSecret(value: string, ...paths: { path: string; headers: Record<string, string> }[]) {
    const api = await createApi({ ...configOf(shop).settings, APP_SECRET: value });
    await api.listen(0, '127.0.0.1');
    try {
      const url = await api.getUrl();
      const answers = await Promise.all(paths.map(({ path, headers }) => fetch(url + path, { headers })));
      return answers.map(({ status }) => status);
    } finally {
      await api.close();
    }
  }

  it('keeps the tokens of guests and the cursors good until their secret is dropped', async () => {
    const person = await shop.newCustomer();
    const { id, orderToken } = await shop.placedByGuest();
    await shop.placed({}, { as: person });
    await shop.placed({}, { as: person });
    const { nextCursor } = (await shop.get(`${ORDERS}?limit=1`, { as: person })).body;
    const order = { path: `${ORDERS}/${id}`, headers: { 'x-order-token': orderToken } };
    const page = {
      path: `${ORDERS}?limit=1&cursor=${nextCursor}`,
      headers: { authorization: `Bearer ${person.token}` },
    };

    const added = await rotateSecret('APP_SECRET', configOf(shop).settings.APP_SECRET!, 'add');
    expect(await withSecret(added, order, page)).toEqual([200, 200]);
    const promoted = await rotateSecret('APP_SECRET', added, 'promote');
    expect(await withSecret(promoted, order, page)).toEqual([200, 200]);
    const dropped = await rotateSecret('APP_SECRET', promoted, 'drop');
    expect(await withSecret(dropped, order, page)).toEqual([404, 400]);
  });
});
