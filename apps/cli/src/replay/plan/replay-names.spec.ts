import { ReplayNames } from './replay-names.js';

const AT = '2010-12-01T08:26:00.000Z';
const names = new ReplayNames('abcdef0123456789'.repeat(4));
const otherFile = new ReplayNames('fedcba9876543210'.repeat(4));

describe('ReplayNames', () => {
  it('gives a customer an address that can reach nobody and a password that every run knows', () => {
    const customer = names.customer('17850');
    expect(customer).toMatchObject({
      customerNo: '17850',
      email: 'customer-17850@online-retail.example',
      name: 'Customer 17850',
      idempotencyKey: 'replay:abcdef01:customer:17850',
    });
    expect(customer.password).toMatch(/^replay-[0-9a-f]{24}$/);
    expect(names.customer('17850')).toEqual(customer);
  });

  it('does not let the id of a customer tell the password', () => {
    const { id, password } = names.customer('17850');
    const randomPart = id.replaceAll('-', '').slice(17);
    expect(password).not.toContain(randomPart.slice(0, 8));
  });

  it('knows customers again in another file, and takes no order of it for its own', () => {
    const { id, email, password } = names.customer('17850');
    expect(otherFile.customer('17850')).toMatchObject({ id, email, password });
    expect(otherFile.order('536365', 1, AT).id).not.toBe(names.order('536365', 1, AT).id);
    expect(otherFile.order('536365', 1, AT).idempotencyKey).not.toBe(
      names.order('536365', 1, AT).idempotencyKey,
    );
  });

  it('tells the parts of an invoice and the refunds of a cancellation apart', () => {
    const ids = [
      names.order('536365', 1, AT).id,
      names.order('536365', 2, AT).id,
      names.order('536366', 1, AT).id,
      names.refund('C536379', AT, 'order-a', 7).id,
      names.refund('C536379', AT, 'order-b', 7).id,
      names.refund('C536379', AT, 'order-a', 8).id,
      names.refund('C536380', AT, 'order-a', 7).id,
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('writes idempotency keys that an HTTP header can carry', () => {
    expect(names.receiptKey('BANK CHARGES', 1500)).toBe('replay:abcdef01:receipt:BANK%20CHARGES@1500');
    const longest = names.receiptKey('"'.repeat(40), Number.MAX_SAFE_INTEGER);
    expect(longest).toMatch(/^[\x21-\x7e]{1,255}$/);
  });
});
