import { planProducts } from './plan-products.js';
import { ReplayNames } from './replay-names.js';
import { aTradeFile } from './testing/trade-builders.js';
import type { TradeRow } from './trade-row.js';

const names = new ReplayNames('ab'.repeat(32));
const plan = (rows: readonly Partial<TradeRow>[]) => planProducts(aTradeFile(rows).rows, names);
const summary = (rows: readonly Partial<TradeRow>[]) =>
  plan(rows).products.map(({ sku, name, unitPriceMinor, receipt }) => [
    sku,
    name,
    unitPriceMinor,
    receipt.quantity,
  ]);

describe('planProducts', () => {
  it('makes one product of each price of a code and gives the plain code to the most frequent', () => {
    const rows = [
      { unitPriceMinor: 295, quantity: 100 },
      { unitPriceMinor: 255, quantity: 6 },
      { unitPriceMinor: 255, quantity: 4 },
      { unitPriceMinor: 506, quantity: 1 },
    ];
    expect(summary(rows)).toEqual([
      ['60010', 'PAPER LANTERN', 255, 10],
      ['60010@295', 'PAPER LANTERN', 295, 100],
      ['60010@506', 'PAPER LANTERN', 506, 1],
    ]);
  });

  it('gives the plain code to the lowest of equally frequent prices', () => {
    expect(summary([{ unitPriceMinor: 300 }, { unitPriceMinor: 200 }]).map(([sku]) => sku)).toEqual([
      '60010',
      '60010@300',
    ]);
  });

  it('names a product after the most frequent description of its code, whatever its price', () => {
    const rows = [
      { description: '', unitPriceMinor: 255 },
      { description: '', unitPriceMinor: 255 },
      { description: 'LANTERN', unitPriceMinor: 255 },
      { description: 'PAPER LANTERN', unitPriceMinor: 506 },
      { description: 'PAPER LANTERN', unitPriceMinor: 255 },
    ];
    expect(summary(rows).map(([, name]) => name)).toEqual(['PAPER LANTERN', 'PAPER LANTERN']);
  });

  it('names a product after the first of equally frequent descriptions', () => {
    expect(summary([{ description: 'ZEBRA' }, { description: 'APE' }])).toEqual([
      ['60010', 'ZEBRA', 255, 12],
    ]);
  });

  it('falls back to the code where no row describes the product', () => {
    expect(summary([{ description: '' }])).toEqual([['60010', '60010', 255, 6]]);
  });

  it('finds the product of a sold row, and refuses any other', () => {
    const catalog = plan([{ unitPriceMinor: 255 }, { unitPriceMinor: 506 }]);
    const [, second] = aTradeFile([{}, { unitPriceMinor: 506 }]).rows;
    expect(second && catalog.productOf(second).sku).toBe('60010@506');
    const [unsold] = aTradeFile([{ unitPriceMinor: 999 }]).rows;
    expect(() => unsold && catalog.productOf(unsold)).toThrow('No product is planned for row 1.');
  });

  it('keeps the SKU of a price point from file to file, but not its receipt', () => {
    const rows = aTradeFile([{}]).rows;
    const [here] = plan([{}]).products;
    const [elsewhere] = planProducts(rows, new ReplayNames('cd'.repeat(32))).products;
    expect(elsewhere?.sku).toBe(here?.sku);
    expect(elsewhere?.receipt.idempotencyKey).not.toBe(here?.receipt.idempotencyKey);
  });
});
