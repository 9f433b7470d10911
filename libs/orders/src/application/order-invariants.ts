import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '#kernel';
import { CatalogFacade } from '#catalog';
import { type PaymentAudit, PaymentsFacade } from '#payments';
import { Database, statement } from '#platform/database';
import {
  type Breach,
  breachesBy,
  changesBy,
  eitherChanged,
  type FollowingCheck,
  Invariants,
} from '#platform/invariants';
import { ORDER_TRANSITIONS } from '../domain/order-status.js';
import {
  type AuditedOrder,
  checkCapturedMoney,
  checkCover,
  checkKnowledge,
  checkReservations,
  type Finding,
} from './order-audit.js';

/** How long beyond its time an order may wait to expire, and how long it may take to cancel one. */
const WAITING_BOUND_MS = 15 * 60_000;

const changedOrders = statement(
  'orders.changed_orders',
  `SELECT id AS subject, updated_at AS at, id FROM orders.orders
    WHERE (updated_at, id) > ($1::timestamptz, $2::uuid) ORDER BY updated_at, id LIMIT $3`,
);
const auditOrders = statement(
  'orders.audit',
  `SELECT o.id, o.status, o.payment_id AS "paymentId", o.payment_status AS "paymentStatus",
          o.payment_outcome AS "paymentOutcome", o.decline_code AS "declineCode", o.total_amount AS "totalAmount",
          o.currency, (SELECT coalesce(json_agg(json_build_object('id', l.id, 'productId', l.product_id,
              'quantity', l.quantity, 'fulfilledQuantity', l.fulfilled_quantity,
              'canceledQuantity', l.canceled_quantity,
              'refundedAmount', l.refunded_amount)), '[]') FROM orders.order_lines l WHERE l.order_id = o.id) AS lines
     FROM orders.orders o WHERE o.id = ANY($1::uuid[])`,
);

/** The table of the domain, for SQL. */
const LEGAL_TRANSITIONS = Object.entries(ORDER_TRANSITIONS)
  .flatMap(([from, targets]) => targets.map((to) => `('${from}', '${to}')`))
  .join(', ');

const brokenTimelines = statement(
  'orders.broken_timelines',
  `SELECT o.id AS subject, json_build_object('status', o.status, 'version', o.version,
            'timelineVersions', json_agg(t.version ORDER BY t.version)) AS details
     FROM orders.orders o LEFT JOIN (
       SELECT t.*, row_number() OVER history AS place, lag(to_status) OVER history AS before,
              lead(version) OVER history IS NULL AS is_last
         FROM orders.timeline t WHERE order_id = ANY($1::uuid[])
       WINDOW history AS (PARTITION BY order_id ORDER BY version)) t ON t.order_id = o.id
     LEFT JOIN (VALUES ${LEGAL_TRANSITIONS}) AS legal (from_status, to_status) USING (from_status, to_status)
    WHERE o.id = ANY($1::uuid[])
      AND (t.version IS NULL OR t.version <> t.place OR t.from_status IS DISTINCT FROM t.before
        OR (t.from_status IS NULL AND t.to_status <> 'pending_payment')
        OR (t.from_status <> t.to_status AND legal.to_status IS NULL)
        OR (t.is_last AND (t.version, t.to_status) IS DISTINCT FROM (o.version, o.status)))
    GROUP BY o.id`,
);
const notExpiredInTime = statement(
  'orders.not_expired_in_time',
  `SELECT id AS subject, json_build_object('status', status, 'expiresAt', expires_at) AS details
     FROM orders.orders
    WHERE status = 'pending_payment' AND expires_at < $2 AND payment_outcome IS NULL ORDER BY expires_at LIMIT $1`,
);
const canceledForLong = statement(
  'orders.canceled_for_long',
  `SELECT id AS subject, json_build_object('status', status, 'since', updated_at) AS details,
          payment_id AS "paymentId"
     FROM orders.orders WHERE status = 'cancel_pending' AND updated_at < $2 ORDER BY placed_at LIMIT $1`,
);

type OrderCheck = (order: AuditedOrder, payment: PaymentAudit | undefined) => Finding;

/** What orders promise: of themselves, and of their money and their goods. */
@Injectable()
export class OrderInvariants implements OnModuleInit {
  constructor(
    private readonly invariants: Invariants,
    private readonly payments: PaymentsFacade,
    private readonly catalog: CatalogFacade,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    const changed = changesBy(this.database, changedOrders);
    this.invariants.register(
      ...this.checksOfMoney(changed),
      {
        id: 'orders_match_reservations',
        invariant: 5,
        title:
          'An order reserves what its lines ask for, ships what was fulfilled, and holds the rest while it lives',
        changed,
        examine: (orderIds) => this.examineReservations(orderIds),
      },
      {
        id: 'timelines_contiguous',
        invariant: 9,
        title: 'The timeline of an order has a row for each version, each a legal transition',
        changed,
        examine: breachesBy(this.database, brokenTimelines),
      },
      {
        id: 'orders_settled',
        invariant: 11,
        title: 'No order waits for its end for a quarter of an hour longer than it should',
        survey: async ({ limit }) => ({ breaches: await this.findOverdue(limit), isComplete: true }),
      },
    );
  }

  /** An order does not change with everything that its payment does, so these follow both. */
  private checksOfMoney(changedOrder: FollowingCheck['changed']): FollowingCheck[] {
    const changed = eitherChanged(changedOrder, (after, limit) => this.payments.changedOrders(after, limit));
    const check = (id: string, title: string, examine: OrderCheck): FollowingCheck => ({
      ...{ id, title, changed, invariant: 4 },
      examine: (orderIds) => this.examineMoney(orderIds, examine),
    });
    return [
      check('orders_know_payments', 'An order knows its payment as it is', checkKnowledge),
      check(
        'captured_money_belongs',
        'Captured money belongs to a confirmed-or-later order or is given back',
        checkCapturedMoney,
      ),
      check('orders_covered', 'The money of a confirmed order covers its total', checkCover),
    ];
  }

  private async examineMoney(orderIds: readonly string[], check: OrderCheck): Promise<Breach[]> {
    const orders = await this.database.query<AuditedOrder>(auditOrders, [orderIds]);
    const audits = await this.payments.audit(orders.map(({ paymentId }) => paymentId));
    const payments = new Map(audits.map((audit) => [audit.paymentId, audit]));
    return breachesOf(orders, (order) => check(order, payments.get(order.paymentId)));
  }

  private async examineReservations(orderIds: readonly string[]): Promise<Breach[]> {
    const orders = await this.database.query<AuditedOrder>(auditOrders, [orderIds]);
    const reservations = await this.catalog.reservationsOf(orderIds);
    const ofOrders = Map.groupBy(reservations, ({ orderId }) => orderId);
    return breachesOf(orders, (order) => checkReservations(order, ofOrders.get(order.id) ?? []));
  }

  /** A cancellation to which the gateway has said no waits for staff, and not for us. */
  private async findOverdue(limit: number): Promise<Breach[]> {
    const bound = new Date(this.clock.now().getTime() - WAITING_BOUND_MS);
    const unexpired = await this.database.query<Breach>(notExpiredInTime, [limit, bound]);
    const canceling = await this.database.query<Breach & { paymentId: string }>(canceledForLong, [
      limit,
      bound,
    ]);
    const audits = await this.payments.audit(canceling.map(({ paymentId }) => paymentId));
    const refused = new Set(audits.filter((audit) => audit.waitsForStaff).map(({ paymentId }) => paymentId));
    const stuck = canceling.filter(({ paymentId }) => !refused.has(paymentId));
    return [...unexpired, ...stuck.map(({ subject, details }) => ({ subject, details }))];
  }
}

function breachesOf(orders: readonly AuditedOrder[], check: (order: AuditedOrder) => Finding): Breach[] {
  return orders.flatMap((order) => {
    const details = check(order);
    return details ? [{ subject: order.id, details }] : [];
  });
}
