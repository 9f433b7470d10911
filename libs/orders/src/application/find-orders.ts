import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { Database, statement } from '#platform/database';
import { type Page, type PageRequest, Paginator } from '#platform/http';
import { orderErrors } from '../domain/order.errors.js';
import type { OrderStatus } from '../domain/order-status.js';
import { ORDER_LINE_MEMBERS } from './order-columns.js';
import { type OrderView, type OrderViewRow, toOrderView } from './order-view.js';

export interface OrderFilters {
  readonly status?: OrderStatus | undefined;
  readonly customerId?: string | undefined;
  /** Those of guests with this address, which belong to nobody's account; with no other filter but those of time. */
  readonly guestEmail?: string | undefined;
  readonly placedAfter?: string | undefined;
  readonly placedBefore?: string | undefined;
}

export interface TimelineView {
  version: number;
  from: OrderStatus | null;
  to: OrderStatus;
  cause: string;
  reason: string | null;
  actor: string;
  requestId: string;
  occurredAt: string;
}

/** Whose an order is, and how often it has changed. */
export interface OrderStanding {
  /** Null for a guest's. */
  readonly customerId: string | null;
  readonly version: number;
}

interface TimelineRow {
  version: number;
  from_status: OrderStatus | null;
  to_status: OrderStatus;
  cause: string;
  reason: string | null;
  actor: string;
  request_id: string;
  occurred_at: Date;
}

const ORDER_COLUMNS = `o.id, o.number, o.status, o.customer_id, o.email, o.currency, o.subtotal_amount,
  o.shipping_amount, o.tax_amount, o.total_amount, o.payment_id, o.payment_status, o.payment_outcome, o.decline_code,
  o.shipping_address, o.metadata, o.version, o.placed_at, o.updated_at, o.closed_at,
  (SELECT json_agg(json_build_object(${ORDER_LINE_MEMBERS}) ORDER BY l.position)
     FROM orders.order_lines l WHERE l.order_id = o.id) AS lines`;

const FILTERS = `($1::timestamptz IS NULL OR o.placed_at > $1) AND ($2::timestamptz IS NULL OR o.placed_at < $2)
  AND ($3::timestamptz IS NULL OR (o.placed_at, o.id) < ($3, $4::uuid))`;
const NEWEST_FIRST = 'ORDER BY o.placed_at DESC, o.id DESC LIMIT $5';

// A statement for each way of asking, so that each finds its own index whatever the plan was prepared for.
const orderPages = {
  all: statement(
    'orders.view_page',
    `SELECT ${ORDER_COLUMNS} FROM orders.orders o WHERE ${FILTERS} ${NEWEST_FIRST}`,
  ),
  status: statement(
    'orders.view_page_by_status',
    `SELECT ${ORDER_COLUMNS} FROM orders.orders o WHERE o.status = $6 AND ${FILTERS} ${NEWEST_FIRST}`,
  ),
  customer: statement(
    'orders.view_page_by_customer',
    `SELECT ${ORDER_COLUMNS} FROM orders.orders o WHERE o.customer_id = $6 AND ${FILTERS} ${NEWEST_FIRST}`,
  ),
  customerAndStatus: statement(
    'orders.view_page_by_customer_and_status',
    `SELECT ${ORDER_COLUMNS} FROM orders.orders o WHERE o.customer_id = $6 AND o.status = $7 AND ${FILTERS} ${NEWEST_FIRST}`,
  ),
  guest: statement(
    'orders.view_page_by_guest',
    `SELECT ${ORDER_COLUMNS} FROM orders.orders o WHERE o.customer_id IS NULL AND o.email = $6 AND ${FILTERS} ${NEWEST_FIRST}`,
  ),
};
const orderById = statement(
  'orders.view_by_id',
  `SELECT ${ORDER_COLUMNS} FROM orders.orders o WHERE o.id = $1`,
);
const orderOwner = statement('orders.owner', 'SELECT customer_id FROM orders.orders WHERE id = $1');
const orderStanding = statement(
  'orders.standing',
  'SELECT customer_id AS "customerId", version FROM orders.orders WHERE id = $1',
);
const timelineOfOrder = statement(
  'orders.timeline',
  'SELECT * FROM orders.timeline WHERE order_id = $1 ORDER BY version DESC LIMIT $2',
);

/** Entries of a timeline that are shown: far more than an order makes in its life. */
const TIMELINE_LIMIT = 1_000;

/** Reads orders, straight from SQL to the view. */
@Injectable()
export class FindOrders {
  constructor(
    private readonly database: Database,
    private readonly paginator: Paginator,
  ) {}

  /** @throws DomainError order_not_found */
  async get(orderId: string): Promise<OrderView> {
    const row = await this.database.queryOne<OrderViewRow>(orderById, [orderId]);
    if (!row) throw new DomainError(orderErrors.order_not_found);
    return toOrderView(row);
  }

  /** Whose order it is; null for a guest's. Undefined when there is no such order. */
  async customerOf(orderId: string): Promise<string | null | undefined> {
    const row = await this.database.queryOne<{ customer_id: string | null }>(orderOwner, [orderId]);
    return row?.customer_id;
  }

  /** Undefined when there is no such order. */
  standingOf(orderId: string): Promise<OrderStanding | undefined> {
    return this.database.queryOne<OrderStanding>(orderStanding, [orderId]);
  }

  async list(filters: OrderFilters, request: PageRequest): Promise<Page<OrderView>> {
    const { status, customerId, guestEmail, placedAfter, placedBefore } = filters;
    const ofAnybody = customerId ? (status ? 'customerAndStatus' : 'customer') : status ? 'status' : 'all';
    const kind = guestEmail === undefined ? ofAnybody : 'guest';
    const chosen =
      kind === 'guest' ? [guestEmail] : [customerId, status].filter((value) => value !== undefined);
    return this.paginator.page(
      'orders',
      filters,
      request,
      ({ placedAt, id }) => [placedAt, id],
      async (after, limit) => {
        const values = [
          placedAfter ?? null,
          placedBefore ?? null,
          ...(after ?? [null, null]),
          limit,
          ...chosen,
        ];
        return (await this.database.query<OrderViewRow>(orderPages[kind], values)).map(toOrderView);
      },
    );
  }

  /**
   * Newest first. An order has a timeline from its first moment.
   *
   * @param reader `user:…` or `anonymous`, to whom the reasons of other people are none of theirs: staff and former
   *   owners write them for the house. Those of returns stand in the returns as well, and stay. Absent: somebody of the
   *   house, who reads all.
   * @throws DomainError order_not_found
   */
  async timeline(orderId: string, reader?: string): Promise<TimelineView[]> {
    const rows = await this.database.query<TimelineRow>(timelineOfOrder, [orderId, TIMELINE_LIMIT]);
    if (rows.length === 0) throw new DomainError(orderErrors.order_not_found);
    return rows.map((row) => ({
      version: row.version,
      from: row.from_status,
      to: row.to_status,
      cause: row.cause,
      reason: reader === undefined || isFor(reader, row) ? row.reason : null,
      actor: row.actor,
      requestId: row.request_id,
      occurredAt: row.occurred_at.toISOString(),
    }));
  }
}

function isFor(reader: string, { cause, actor }: TimelineRow): boolean {
  return cause === 'returned' || actor === reader || !/^(user|key):/.test(actor);
}
