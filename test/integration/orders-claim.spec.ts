import { newId } from '#kernel';
import { EMAIL_CHANGE, CONFIRM_EMAIL_CHANGE, PASSWORD } from '../support/users-fixture.js';
import { DeliverMails } from '#platform/mail';
import { ORDERS, type Person, Shop } from '../support/shop.js';

const CLAIM = `${ORDERS}/claim`;

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open();
});

afterAll(() => shop.close());

/** A new customer whose address is confirmed, by moving to one that is not known yet. */
async function verified(): Promise<Person> {
  const person = await shop.newCustomer();
  const email = `${newId()}@example.com`;
  await shop.api.post(EMAIL_CHANGE, { email, password: PASSWORD }, { token: person.token });
  await shop.api.app.get(DeliverMails).execute();
  const { body } = await shop.api.get('/dev/mailbox');
  const { text } = (body.data as { to: string; text: string }[]).find(({ to }) => to === email)!;
  const [token] = /^[\w-]{43}$/m.exec(text)!;
  expect((await shop.api.post(CONFIRM_EMAIL_CHANGE, { token, password: PASSWORD })).status).toBe(204);
  return { ...person, email };
}

const claim = (as: Person | null, key: string | null = newId()) => shop.post(CLAIM, {}, { as, key });

describe('claiming guest orders', () => {
  it('takes over those of the confirmed address, and no others', async () => {
    const person = await verified();
    const [first, second] = [
      await shop.placedByGuest({ email: person.email }),
      await shop.placedByGuest({ email: person.email.toUpperCase() }),
    ];
    const stranger = await shop.placedByGuest();
    expect((await shop.get(`${ORDERS}/${first.id}`, { as: person })).status).toBe(404);

    const answer = await claim(person);
    expect([answer.status, answer.body]).toEqual([200, { claimed: 2 }]);
    for (const { id } of [first, second]) {
      const { status, body } = await shop.get(`${ORDERS}/${id}`, { as: person });
      expect([status, body.customerId]).toEqual([200, person.id]);
    }
    expect((await shop.causes(first.id)).at(-1)).toBe('claimed');
    expect((await shop.events(first.id)).at(-1)).toBe('order.claimed');
    expect((await shop.get(`${ORDERS}/${stranger.id}`, { as: person })).status).toBe(404);
    expect((await claim(person)).body).toEqual({ claimed: 0 });
  });

  it('ends the token of the order: it belongs to the account', async () => {
    const person = await verified();
    const { id, orderToken } = await shop.placedByGuest({ email: person.email });
    await claim(person);
    expect((await shop.get(`${ORDERS}/${id}`, { as: null, orderToken })).status).toBe(404);
    expect((await shop.get(`${ORDERS}/${id}`, { as: person, orderToken })).status).toBe(200);
  });

  it('takes a confirmed address', async () => {
    const person = await shop.newCustomer();
    const { id } = await shop.placedByGuest({ email: person.email });
    await shop.expectRefusal(() => claim(person), 403, 'email_not_verified');
    expect((await shop.get(`${ORDERS}/${id}`, { as: person })).status).toBe(404);
  });

  it('counts each order once, of 20 calls at once', async () => {
    const person = await verified();
    for (let count = 0; count < 5; count += 1) await shop.placedByGuest({ email: person.email });
    const answers = await Promise.all(Array.from({ length: 20 }, () => claim(person)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(answers.reduce((sum, { body }) => sum + (body.claimed as number), 0)).toBe(5);
  });

  it('has one answer under one key', async () => {
    const person = await verified();
    await shop.placedByGuest({ email: person.email });
    const key = newId();
    const [first, again] = [await claim(person, key), await claim(person, key)];
    expect([first.body, again.body]).toEqual([{ claimed: 1 }, { claimed: 1 }]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });

  it('is for customers, under a key, and takes nothing else', async () => {
    await shop.expectRefusal(() => claim(null), 401, 'authentication_required');
    await shop.expectRefusal(() => claim(shop.customer, null), 400, 'idempotency_key_required');
    const smuggled = () => shop.post(CLAIM, { email: 'stranger@example.com' });
    await shop.expectRefusal(smuggled, 400, 'validation_failed', {
      pointer: '/email',
      code: 'unknown_field',
    });
  });
});
