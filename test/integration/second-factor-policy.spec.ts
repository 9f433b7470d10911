import { Clock } from '#kernel';
import { AuthenticatorApp } from '../support/second-factor-fixture.js';
import { type Person, Shop } from '../support/shop.js';

const ME = '/api/v1/users/me';
const PASSWORD = 'steelyard-demo';

let shop: Shop;
beforeAll(async () => {
  shop = await Shop.open({ SECOND_FACTOR_FOR: 'refunds,admin' });
});
afterAll(() => shop.close());

const post = (path: string, body: object, as?: Person) => shop.api.post(path, body, { token: as?.token });

describe('SECOND_FACTOR_FOR=refunds,admin', () => {
  it('keeps administrators with one factor from roles, addresses and keys', async () => {
    const change = (method: string, path: string, body: object) => () =>
      shop.api.call(method, `/api/v1/users/${shop.customer.id}${path}`, {
        ...{ token: shop.admin.token, body, headers: { 'if-match': '"1"' } },
      });
    await shop.expectRefusal(change('PUT', '/role', { role: 'staff' }), 403, 'insufficient_aal');
    await shop.expectRefusal(change('PATCH', '', { email: 'other@example.com' }), 403, 'insufficient_aal');
    const wish = { name: 'Till', scopes: ['orders:place'] };
    const make = () => shop.post('/api/v1/api-keys', wish, { as: shop.admin, key: null });
    await shop.expectRefusal(make, 403, 'insufficient_aal');
  });

  it('keeps staff with one factor from voids, and not from captures', async () => {
    const { payment } = await shop.placed({ capture: 'manual' });
    await shop.expectRefusal(() => shop.void(payment.id), 403, 'insufficient_aal');
    expect(await shop.capture(payment.id, 100)).toMatchObject({ status: 200 });
  });

  it('opens refunds and voids to staff once they have stepped up, and again when they log in', async () => {
    const { payment } = await shop.placed();
    const amount = { amount: { amount: 100, currency: 'GBP' } };
    const refund = (as: Person) => shop.refund(payment.id, amount, { as });
    await shop.expectRefusal(() => refund(shop.staff), 403, 'insufficient_aal');

    const { body: enrolment } = await post(`${ME}/totp`, { password: PASSWORD }, shop.staff);
    const app = new AuthenticatorApp(enrolment.secret);
    const now = () => shop.api.app.get(Clock).now();
    const before = new Date(now().getTime() - 30_000);
    expect(await post(`${ME}/totp/confirm`, { totp: app.code(before) }, shop.staff)).toMatchObject({
      status: 200,
    });
    await shop.expectRefusal(() => refund(shop.staff), 403, 'insufficient_aal');

    const { body: raised } = await post('/api/v1/auth/step-up', { totp: app.code(now()) }, shop.staff);
    const stronger = { ...shop.staff, token: raised.accessToken };
    expect(await refund(stronger)).toMatchObject({ status: 201 });
    const authorized = await shop.placed({ capture: 'manual' });
    expect(await shop.void(authorized.payment.id, { as: stronger })).toMatchObject({ status: 200 });

    const { email } = shop.staff;
    const { body: problem } = await post('/api/v1/auth/login', { email, password: PASSWORD });
    const after = new Date(now().getTime() + 30_000);
    const proof = { challengeToken: problem.challengeToken, totp: app.code(after) };
    const { body: tokens } = await post('/api/v1/auth/second-factor', proof);
    expect(await refund({ ...shop.staff, token: tokens.accessToken })).toMatchObject({ status: 201 });
  });

  it('counts what is their own as anybody’s for staff', async () => {
    const { id } = await shop.placed({}, { as: shop.staff });
    await shop.expectRefusal(() => shop.cancel(id, { as: shop.staff }), 403, 'insufficient_aal');
  });

  it('asks nothing of whoever cancels an order of their own', async () => {
    const { id } = await shop.placed();
    expect(await shop.cancel(id)).toMatchObject({ status: 200 });
  });
});

describe('SECOND_FACTOR_FOR=refunds', () => {
  it('keeps administrators with one factor from keys that give money back, and from no others', async () => {
    const other = await Shop.open({ SECOND_FACTOR_FOR: 'refunds' });
    try {
      const make = (...scopes: string[]) =>
        other.post('/api/v1/api-keys', { name: 'Till', scopes }, { as: other.admin, key: null });
      const refunding = () => make('orders:list', 'payments:refund');
      await other.expectRefusal(refunding, 403, 'insufficient_aal');
      expect(await make('orders:list', 'ledger:read')).toMatchObject({ status: 201 });
    } finally {
      await other.close();
    }
  });
});
