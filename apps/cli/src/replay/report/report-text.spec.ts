import type { ReconciliationReport } from './reconcile.js';
import { renderReport } from './report-text.js';

const REPORT: ReconciliationReport = {
  digest: 'ab'.repeat(32),
  fileRowCount: 1003,
  fileTotalMinor: 119_400,
  outcomes: [
    {
      outcome: 'sold',
      meaning: 'a line of an order',
      rows: 1000,
      amountMinor: 120_000,
      replayedMinor: 120_000,
      notReplayedMinor: 0,
    },
    {
      outcome: 'refund_partially_matched',
      meaning: 'cancelled in part',
      rows: 3,
      amountMinor: -600,
      replayedMinor: -500,
      notReplayedMinor: -100,
    },
  ],
  revenue: [
    {
      country: 'EIRE',
      month: '2010-12',
      soldMinor: 120_000,
      refundedMinor: 500,
      ledgerSoldMinor: 120_000,
      ledgerRefundedMinor: 500,
      notReplayedMinor: -100,
    },
  ],
  trialBalance: [{ currency: 'GBP', debitMinor: 120_500, creditMinor: 120_500 }],
  otherTrade: { captures: 0, refunds: 0 },
  execution: {
    steps: [{ name: 'orders', changed: 7, unchanged: 1, failed: 0, durationMs: 500 }],
    failures: [],
  },
  notes: {
    malformed: [],
    roundedPrices: [{ rowNumber: 48, invoiceNo: '600029', text: '0.001', unitPriceMinor: 0 }],
    mergedStockCodes: [],
    invoicesOverSeveralTimes: [],
    splitInvoices: [],
    countriesWithoutCode: ['Unspecified'],
  },
  problems: [],
};

describe('renderReport', () => {
  it('shows everything, aligned', () => {
    expect(renderReport(REPORT, 'trade.csv')).toBe(`Replay of trade.csv
SHA-256 ${'ab'.repeat(32)}

What was done
step    changed  unchanged  failed  seconds  per second
------  -------  ---------  ------  -------  ----------
orders        7          1       0      0.5        16.0

Rows by outcome
outcome                    rows    amount  replayed  not replayed  meaning
------------------------  -----  --------  --------  ------------  ------------------
sold                      1,000  1,200.00  1,200.00          0.00  a line of an order
refund_partially_matched      3     -6.00     -5.00         -1.00  cancelled in part
------------------------  -----  --------  --------  ------------  ------------------
sum                       1,003  1,194.00  1,195.00         -1.00
The file: 1,003 rows, 1,194.00.

Revenue by country and month (GBP)
country  month        sold  refunded  revenue (file)  revenue (ledger)  difference  not replayed
-------  -------  --------  --------  --------------  ----------------  ----------  ------------
EIRE     2010-12  1,200.00      5.00        1,195.00          1,195.00        0.00         -1.00
-------  -------  --------  --------  --------------  ----------------  ----------  ------------
sum               1,200.00      5.00        1,195.00          1,195.00        0.00         -1.00

Trial balance
currency    debit   credit  difference
--------  -------  -------  ----------
GBP       120,500  120,500           0
In minor units.

Notes
- Prices with more than two decimals, rounded half-up to the penny (1): row 48, invoice 600029: 0.001 is 0.00
- Countries without an address country (1): Unspecified

Reconciled: the file and the ledger agree to the penny.
`);
  });

  it('says when a second run has changed nothing', () => {
    const steps = [
      { name: 'products', changed: 0, unchanged: 7, failed: 0, durationMs: 0 },
      { name: 'orders', changed: 0, unchanged: 8, failed: 0, durationMs: 3_600_000 },
    ];
    const again = { ...REPORT, execution: { steps, failures: [] } };
    expect(renderReport(again, 'x')).toContain('Nothing has changed: this file had been replayed before.');
    expect(renderReport(REPORT, 'x')).not.toContain('Nothing has changed');
  });

  it('says that it does not reconcile, and why, without drowning the reader', () => {
    const problems = Array.from({ length: 25 }, (_, at) => `Problem ${at + 1}.`);
    const text = renderReport({ ...REPORT, problems }, 'x');
    expect(text).toContain('NOT reconciled, 25 problems:\n- Problem 1.\n');
    expect(text).toMatch(/- Problem 20\.\n- and 5 more\n$/);
    expect(text).not.toContain('agree to the penny');
  });

  it('shows how far the ledger is off', () => {
    const revenue = REPORT.revenue.map((cell) => ({ ...cell, ledgerSoldMinor: cell.ledgerSoldMinor - 3 }));
    expect(renderReport({ ...REPORT, revenue }, 'x')).toMatch(/EIRE .* 1,195\.00 +1,194\.97 +-0\.03 /);
  });

  it('mentions other trade in the ledger', () => {
    const otherTrade = { captures: 2, refunds: 1 };
    expect(renderReport({ ...REPORT, otherTrade }, 'x')).toContain(
      'The ledger holds 3 entries of other trade (2 captures, 1 refunds), which are left out above.\n',
    );
  });

  it('names malformed rows', () => {
    const notes = { ...REPORT.notes, malformed: [{ rowNumber: 2, reason: 'Country is empty' }] };
    expect(renderReport({ ...REPORT, notes }, 'x')).toContain(
      '- Malformed rows (1): row 2: Country is empty\n',
    );
  });
});
