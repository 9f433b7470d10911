import { Injectable } from '@nestjs/common';
import type { Currency, Money } from '#kernel';
import { Database, statement } from '#platform/database';
import { type Page, type PageRequest, Paginator } from '#platform/http';

export interface DailySalesFilters {
  /** First and last day, UTC, both included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly productId?: string | undefined;
}

/** What was sold of a product in one currency on one day. */
export interface DailySalesView {
  day: string;
  productId: string;
  orders: number;
  soldQuantity: number;
  gross: Money;
  canceledQuantity: number;
  canceled: Money;
  returnedQuantity: number;
  refunded: Money;
}

interface DailySalesRow {
  day: string;
  productId: string;
  currency: Currency;
  orders: number;
  soldQuantity: number;
  soldAmount: number;
  canceledQuantity: number;
  canceledAmount: number;
  returnedQuantity: number;
  refundedAmount: number;
}

const DAYS = `SELECT day::text, product_id AS "productId", currency, sum(orders)::bigint AS orders,
       sum(sold_quantity)::bigint AS "soldQuantity", sum(sold_amount)::bigint AS "soldAmount",
       sum(canceled_quantity)::bigint AS "canceledQuantity", sum(canceled_amount)::bigint AS "canceledAmount",
       sum(returned_quantity)::bigint AS "returnedQuantity", sum(refunded_amount)::bigint AS "refundedAmount"
  FROM sales.movements
 WHERE generation = (SELECT generation FROM sales.current)
   AND day BETWEEN coalesce($1::date, '-infinity') AND coalesce($2::date, 'infinity')
   AND ($3::date IS NULL OR (day, product_id, currency) < ($3, $4::uuid, $5::text))`;
const NEWEST_FIRST = `GROUP BY sales.movements.day, product_id, currency
 ORDER BY sales.movements.day DESC, product_id DESC, currency DESC LIMIT $6`;

// A statement for each way of asking, so that each finds its own index whatever the plan was prepared for.
const daysOfAll = statement('sales.daily', `${DAYS} ${NEWEST_FIRST}`);
const daysOfProduct = statement('sales.daily_of_product', `${DAYS} AND product_id = $7 ${NEWEST_FIRST}`);

/** Reads what was sold, straight from SQL to the view. */
@Injectable()
export class FindDailySales {
  constructor(
    private readonly database: Database,
    private readonly paginator: Paginator,
  ) {}

  /**
   * The newest day first.
   *
   * @throws DomainError invalid_cursor
   */
  async list(filters: DailySalesFilters, request: PageRequest): Promise<Page<DailySalesView>> {
    const { from, to, productId } = filters;
    return this.paginator.page<DailySalesView>(
      'sales.daily',
      filters,
      request,
      ({ day, productId, gross }) => [day, productId, gross.currency],
      async (after = [], limit) => {
        const [day = null, product = null, currency = null] = after;
        const values = [from ?? null, to ?? null, day, product, currency, limit];
        const rows = productId
          ? await this.database.query<DailySalesRow>(daysOfProduct, [...values, productId])
          : await this.database.query<DailySalesRow>(daysOfAll, values);
        return rows.map(toView);
      },
    );
  }
}

function toView({
  currency,
  soldAmount,
  canceledAmount,
  refundedAmount,
  ...row
}: DailySalesRow): DailySalesView {
  const inCurrency = (amount: number): Money => ({ amount, currency });
  return {
    ...row,
    gross: inCurrency(soldAmount),
    canceled: inCurrency(canceledAmount),
    refunded: inCurrency(refundedAmount),
  };
}
