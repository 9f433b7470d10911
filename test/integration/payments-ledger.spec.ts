import { newId } from '#kernel';
import { gbp, LEDGER, line, Shop } from '../support/shop.js';

let shop: Shop;
/** An order of 5,000 pounds sterling, of which 2,000 were refunded; and what the ledger has of it. */
let sale: { id: string; payment: { id: string } };

beforeAll(async () => {
  shop = await Shop.open({ ORDER_SHIPPING_FLAT_MINOR: '500', ORDER_TAX_BASIS_POINTS: '2000' });
  const product = await shop.product({ price: 3_500 });
  // 3500 and 500 for shipping, and a fifth of both for tax.
  sale = await shop.placed({ lines: [line(product)] });
  await shop.refund(sale.payment.id, { amount: gbp(480) });
  const bowl = await shop.product({ price: 1_500, currency: 'JPY' });
  await shop.placed({ lines: [line(bowl)], capture: 'on_fulfillment' });
  const order = await shop.placed({ lines: [line(bowl, 3)], capture: 'manual' });
  await shop.post(
    `/api/v1/payments/${order.payment.id}/capture`,
    { amount: { amount: 600, currency: 'JPY' } },
    { as: shop.staff },
  );
});

afterAll(() => shop.close());

describe('the books', () => {
  const ACCOUNTS = [
    { account: 'gateway_clearing', balance: gbp(4_800 - 480) },
    { account: 'sales', balance: gbp(-3_500) },
    { account: 'sales_refunds', balance: gbp(350) },
    { account: 'shipping', balance: gbp(-500 + 50) },
    { account: 'tax_payable', balance: gbp(-800 + 80) },
    // Of 6000 authorized, 600: a tenth of goods, shipping and tax each.
    { account: 'gateway_clearing', balance: { amount: 600, currency: 'JPY' } },
    { account: 'sales', balance: { amount: -450, currency: 'JPY' } },
    { account: 'shipping', balance: { amount: -50, currency: 'JPY' } },
    { account: 'tax_payable', balance: { amount: -100, currency: 'JPY' } },
  ];

  it('have a balance per account and currency', async () => {
    expect(await shop.read(`${LEDGER}/accounts`)).toEqual({ data: ACCOUNTS });
  });

  it('balance in each currency', async () => {
    expect(await shop.read(`${LEDGER}/trial-balance`)).toEqual({
      accounts: ACCOUNTS,
      totals: [gbp(0), { amount: 0, currency: 'JPY' }],
      balanced: true,
    });
  });

  it('say of each movement of money why it was, debits first', async () => {
    const { data, nextCursor } = await shop.read(`${LEDGER}/transactions?orderId=${sale.id}`);
    const common = {
      disputeId: null,
      id: expect.any(String),
      paymentId: sale.payment.id,
      orderId: sale.id,
      occurredAt: expect.any(String),
    };
    const { operations } = await shop.paymentOf(sale.payment.id);
    expect(nextCursor).toBeNull();
    expect(data).toEqual([
      {
        ...common,
        kind: 'refund',
        operationId: operations[0].id,
        postings: [
          { account: 'sales_refunds', amount: gbp(350) },
          { account: 'tax_payable', amount: gbp(80) },
          { account: 'shipping', amount: gbp(50) },
          { account: 'gateway_clearing', amount: gbp(-480) },
        ],
      },
      {
        ...common,
        kind: 'capture',
        operationId: operations[1].id,
        postings: [
          { account: 'gateway_clearing', amount: gbp(4_800) },
          { account: 'shipping', amount: gbp(-500) },
          { account: 'tax_payable', amount: gbp(-800) },
          { account: 'sales', amount: gbp(-3_500) },
        ],
      },
    ]);
    expect(await shop.read(`${LEDGER}/transactions?orderId=${newId()}`)).toEqual({
      data: [],
      nextCursor: null,
    });
  });
});

describe('the database itself', () => {
  /** Runs statements in one transaction, which is rolled back if it has not failed by then. */
  async function attempt(...statements: readonly string[]): Promise<void> {
    await shop.sql.query('BEGIN');
    try {
      for (const statement of statements) await shop.sql.query(statement);
      await shop.sql.query('SET CONSTRAINTS ALL IMMEDIATE');
    } finally {
      await shop.sql.query('ROLLBACK');
    }
  }

  /** A ledger transaction with these postings. */
  function entry(...postings: readonly (readonly [account: string, amount: number, currency: string])[]) {
    const id = newId();
    return [
      `INSERT INTO payments.ledger_transactions (id, kind, payment_id, order_id, operation_id, currency)
       VALUES ('${id}', 'capture', '${newId()}', '${newId()}', '${newId()}', 'GBP')`,
      ...postings.map(
        ([account, amount, currency]) =>
          `INSERT INTO payments.ledger_postings (transaction_id, account, amount, currency)
           VALUES ('${id}', '${account}', ${amount}, '${currency}')`,
      ),
    ];
  }

  it('takes an entry that balances', async () => {
    await attempt(
      ...entry(['gateway_clearing', 100, 'GBP'], ['sales', -70, 'GBP'], ['tax_payable', -30, 'GBP']),
    );
  });

  it.each([
    ['one side only', [['gateway_clearing', 100, 'GBP']]],
    [
      'sides that differ by one',
      [
        ['gateway_clearing', 100, 'GBP'],
        ['sales', -99, 'GBP'],
      ],
    ],
    [
      'sides in two currencies',
      [
        ['gateway_clearing', 100, 'GBP'],
        ['sales', -100, 'EUR'],
      ],
    ],
    [
      'nothing on a side',
      [
        ['gateway_clearing', 0, 'GBP'],
        ['sales', 0, 'GBP'],
      ],
    ],
    [
      'an account that is none',
      [
        ['gateway_clearing', 100, 'GBP'],
        ['petty_cash', -100, 'GBP'],
      ],
    ],
  ] as const)('refuses an entry with %s', async (_, postings) => {
    await expect(attempt(...entry(...postings))).rejects.toMatchObject({ code: '23514' });
  });

  it('refuses to add to an entry that is written', async () => {
    await expect(
      attempt(
        `INSERT INTO payments.ledger_postings (transaction_id, account, amount, currency)
         SELECT id, 'fees', 1, 'GBP' FROM payments.ledger_transactions WHERE order_id = '${sale.id}' LIMIT 1`,
      ),
    ).rejects.toMatchObject({ code: '23514' });
  });

  it.each([
    'UPDATE payments.ledger_postings SET amount = amount',
    'UPDATE payments.ledger_transactions SET occurred_at = now()',
    'DELETE FROM payments.ledger_postings',
    'DELETE FROM payments.ledger_transactions',
    'TRUNCATE payments.ledger_postings',
    'TRUNCATE payments.ledger_transactions, payments.ledger_postings',
  ])('refuses to change what is written: %s', async (statement) => {
    await expect(attempt(statement)).rejects.toMatchObject({ code: '23001' });
  });

  it.each([
    ['captured_amount = authorized_amount + 1', 'payments_amounts'],
    ['authorized_amount = amount + 1', 'payments_amounts'],
    ['refunded_amount = captured_amount + 1', 'payments_amounts'],
    ['pending_refund_amount = captured_amount - refunded_amount + 1', 'payments_amounts'],
    ['pending_refund_amount = -1', 'payments_amounts'],
  ])('refuses a payment with %s', async (change, constraint) => {
    await expect(
      attempt(`UPDATE payments.payments SET ${change} WHERE id = '${sale.payment.id}'`),
    ).rejects.toMatchObject({ code: '23514', constraint });
  });
});
