import { planTrade } from '../plan/plan-trade.js';
import { aTradeFile } from '../plan/testing/trade-builders.js';
import { tradeUnits } from './trade-units.js';

describe('tradeUnits', () => {
  it('keeps the orders of a customer together and each guest apart, in the order of their time', () => {
    const { orders } = planTrade(
      aTradeFile([
        { invoiceNo: '1', customerId: '20001' },
        { invoiceNo: '2', customerId: null },
        { invoiceNo: '3', customerId: '20002' },
        { invoiceNo: '4', customerId: '20001' },
        { invoiceNo: '5', customerId: null },
      ]),
    );
    const units = tradeUnits(orders).map((unit) => unit.orders.map(({ invoiceNo }) => invoiceNo));
    expect(units).toEqual([['1', '4'], ['2'], ['3'], ['5']]);
  });
});
