import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Config } from '#platform/config';
import { Database, statement } from '#platform/database';
import {
  type Breach,
  breachesBy,
  changesBy,
  type FollowingCheck,
  Invariants,
  isAfter,
  type Position,
  type Survey,
  type SurveyStep,
} from '#platform/invariants';

/** When the gateway has come to rest about an operation, this is long enough to find out about it. */
const FOUND_OUT_WITHIN_MS = 15 * 60_000;

/** Ledger transactions that are added to the running totals in one step. */
const TOTALS_STEP = 10_000;

const changedPayments = statement(
  'payments.changed_payments',
  `SELECT id AS subject, updated_at AS at, id FROM payments.payments
    WHERE (updated_at, id) > ($1::timestamptz, $2::uuid) ORDER BY updated_at, id LIMIT $3`,
);
const newLedgerTransactions = statement(
  'payments.new_ledger_transactions',
  `SELECT id AS subject, occurred_at AS at, id FROM payments.ledger_transactions
    WHERE (occurred_at, id) > ($1::timestamptz, $2::uuid) ORDER BY occurred_at, id LIMIT $3`,
);

const unbalancedTransactions = statement(
  'payments.unbalanced_transactions',
  `SELECT t.id AS subject, json_build_object('paymentId', t.payment_id, 'currency', t.currency,
            'sides', count(p.account), 'sum', coalesce(sum(p.amount), 0)) AS details
     FROM payments.ledger_transactions t LEFT JOIN payments.ledger_postings p ON p.transaction_id = t.id
    WHERE t.id = ANY($1::uuid[])
    GROUP BY t.id
   HAVING count(p.account) < 2 OR sum(p.amount) <> 0 OR bool_or(p.currency <> t.currency)`,
);
const unorderedAmounts = statement(
  'payments.unordered_amounts',
  `SELECT id AS subject, json_build_object('amount', amount, 'authorized', authorized_amount,
            'captured', captured_amount, 'refunded', refunded_amount, 'pendingRefund', pending_refund_amount)
            AS details
     FROM payments.payments
    WHERE id = ANY($1::uuid[]) AND NOT (0 <= refunded_amount AND 0 <= pending_refund_amount
      AND refunded_amount + pending_refund_amount <= captured_amount
      AND captured_amount <= authorized_amount AND authorized_amount <= amount)`,
);
// Disputes move clearing, too, but neither what was captured nor what was refunded.
const ledgerUnlikePayment = statement(
  'payments.ledger_unlike_payment',
  `SELECT p.id AS subject, json_build_object('captured', p.captured_amount, 'refunded', p.refunded_amount,
            'clearing', l.clearing, 'shipping', l.shipping, 'tax', l.tax) AS details
     FROM payments.payments p, LATERAL (
       SELECT coalesce(sum(amount) FILTER (WHERE account = 'gateway_clearing'), 0) AS clearing,
              coalesce(-sum(amount) FILTER (WHERE account = 'shipping'), 0) AS shipping,
              coalesce(-sum(amount) FILTER (WHERE account = 'tax_payable'), 0) AS tax
         FROM payments.ledger_transactions t JOIN payments.ledger_postings ON transaction_id = t.id
        WHERE t.order_id = p.order_id AND t.payment_id = p.id AND t.kind IN ('capture', 'refund', 'refund_reversal')) l
    WHERE p.id = ANY($1::uuid[]) AND (l.clearing <> p.captured_amount - p.refunded_amount
       OR l.shipping <> p.captured_shipping_amount - p.refunded_shipping_amount
       OR l.tax <> p.captured_tax_amount - p.refunded_tax_amount)`,
);
// A gateway gives up by itself, in time, what was authorized and not captured: no operation tells of that.
const paymentUnlikeOperations = statement(
  'payments.payment_unlike_operations',
  `SELECT p.id AS subject, json_build_object('authorized', p.authorized_amount, 'captured', p.captured_amount,
            'refunded', p.refunded_amount, 'pendingRefund', p.pending_refund_amount, 'operations', done) AS details
     FROM payments.payments p, LATERAL (
       SELECT coalesce(sum(amount) FILTER (WHERE kind = 'authorize'), 0)
                - coalesce(sum(amount) FILTER (WHERE kind = 'void'), 0) AS authorized,
              coalesce(sum(amount) FILTER (
                WHERE kind = CASE p.capture_mode WHEN 'automatic' THEN 'authorize' ELSE 'capture' END), 0) AS captured,
              coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunded
         FROM payments.operations o WHERE o.payment_id = p.id AND o.status = 'succeeded') done, LATERAL (
       SELECT coalesce(sum(amount), 0) AS amount
         FROM payments.refunds r WHERE r.payment_id = p.id AND r.status = 'pending') pending
    WHERE p.id = ANY($1::uuid[])
      AND ((p.captured_amount, p.refunded_amount, p.pending_refund_amount)
             IS DISTINCT FROM (done.captured, done.refunded, pending.amount)
           -- what was not captured may have ended at the gateway by itself
           OR p.authorized_amount NOT IN (done.authorized, least(done.authorized, p.captured_amount)))`,
);
const refundsUnlikeOperations = statement(
  'payments.refunds_unlike_operations',
  `SELECT payment_id AS subject, json_build_object('refundIds', json_agg(id)) AS details
     FROM (SELECT r.id, r.payment_id
             FROM payments.refunds r
             LEFT JOIN payments.operations o ON o.payment_id = r.payment_id AND o.refund_id = r.id
            WHERE r.payment_id = ANY($1::uuid[])
            GROUP BY r.id
           HAVING count(o.id) <> 1 OR bool_or(o.amount <> r.amount)
               OR bool_or(r.status <> CASE WHEN o.status IN ('created', 'sent', 'unknown') THEN 'pending'
                                           WHEN o.status = 'succeeded' THEN 'succeeded' ELSE 'failed' END)) broken
    GROUP BY payment_id`,
);
const allocationsUnlikeRefunds = statement(
  'payments.allocations_unlike_refunds',
  `SELECT p.id AS subject, json_build_object('amount', p.amount, 'lines', lines.amount,
            'refundedOfLines', lines.refunded, 'refundsOfLines', given.amount) AS details
     FROM payments.payments p, LATERAL (
       SELECT sum(amount) AS amount, sum(refunded_amount) AS refunded
         FROM payments.allocations a WHERE a.payment_id = p.id) lines, LATERAL (
       SELECT coalesce(sum((line ->> 'amount')::bigint), 0) AS amount
         FROM payments.refunds r, jsonb_array_elements(r.lines) AS line
        WHERE r.payment_id = p.id AND r.status <> 'failed') given
    WHERE p.id = ANY($1::uuid[]) AND (lines.amount <> p.amount OR lines.refunded <> given.amount)`,
);
const disputesUnlikePayment = statement(
  'payments.disputes_unlike_payment',
  `SELECT p.id AS subject, json_build_object('disputed', p.disputed_amount, 'held', held.amount,
            'posted', posted.amount) AS details
     FROM payments.payments p, LATERAL (
       SELECT coalesce(sum(amount), 0) AS amount FROM payments.disputes d
        WHERE d.payment_id = p.id AND d.status IN ('needs_response', 'under_review', 'lost')) held, LATERAL (
       SELECT coalesce(sum(amount) FILTER (WHERE account = 'disputes'), 0) AS amount
         FROM payments.ledger_transactions t JOIN payments.ledger_postings ON transaction_id = t.id
        WHERE t.order_id = p.order_id AND t.payment_id = p.id AND t.kind IN ('dispute', 'dispute_reversal')) posted
    WHERE p.id = ANY($1::uuid[])
      AND (p.disputed_amount, p.disputed_amount) IS DISTINCT FROM (held.amount, posted.amount)`,
);
const operationsOpenForLong = statement(
  'payments.operations_open_for_long',
  `SELECT id AS subject, json_build_object('paymentId', payment_id, 'kind', kind, 'status', status,
            'attempts', attempts, 'createdAt', created_at) AS details
     FROM payments.operations
    WHERE status IN ('created', 'sent', 'unknown') AND created_at < now() - $2 * interval '1 millisecond'
    ORDER BY created_at LIMIT $1`,
);

const addToTotals = statement(
  'payments.add_to_ledger_totals',
  `WITH step AS MATERIALIZED (
     SELECT id, occurred_at FROM payments.ledger_transactions
      WHERE (occurred_at, id) > ($1::timestamptz, $2::uuid) AND occurred_at < $3
      ORDER BY occurred_at, id LIMIT $4
   ), added AS (
     INSERT INTO payments.ledger_totals AS total (account, currency, amount)
     SELECT account, currency, sum(amount) FROM step JOIN payments.ledger_postings ON transaction_id = step.id
      GROUP BY account, currency
     ON CONFLICT (account, currency) DO UPDATE SET amount = total.amount + excluded.amount
   )
   SELECT occurred_at AS at, id, count(*) OVER ()::int AS count FROM step ORDER BY occurred_at DESC, id DESC LIMIT 1`,
);
const unbalancedTotals = statement(
  'payments.unbalanced_totals',
  `SELECT currency AS subject, json_object_agg(account, amount) AS details FROM payments.ledger_totals
    GROUP BY currency HAVING sum(amount) <> 0`,
);
const forgetTotals = statement('payments.forget_ledger_totals', 'DELETE FROM payments.ledger_totals');
const recountTotals = statement(
  'payments.recount_ledger_totals',
  `INSERT INTO payments.ledger_totals (account, currency, amount)
   SELECT p.account, p.currency, sum(p.amount)
     FROM payments.ledger_transactions t JOIN payments.ledger_postings p ON p.transaction_id = t.id
    WHERE (t.occurred_at, t.id) <= ($1::timestamptz, $2::uuid)
    GROUP BY p.account, p.currency`,
);

/** What payments promise, of every payment and every entry of the ledger. */
@Injectable()
export class PaymentInvariants implements OnModuleInit {
  constructor(
    private readonly invariants: Invariants,
    private readonly database: Database,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.invariants.register(
      {
        id: 'ledger_transactions_balanced',
        invariant: 1,
        title: 'Each ledger transaction has two sides that sum to zero, in its one currency',
        changed: changesBy(this.database, newLedgerTransactions),
        examine: breachesBy(this.database, unbalancedTransactions),
      },
      {
        id: 'ledger_balanced',
        invariant: 1,
        title: 'The whole ledger sums to zero per currency',
        survey: (step) => this.sumUpLedger(step),
      },
      {
        id: 'operations_resolved',
        invariant: 11,
        title: 'No operation is open for longer than it takes to find out about it',
        survey: async ({ limit }) => ({
          breaches: await this.database.query<Breach>(operationsOpenForLong, [
            limit,
            this.config.settings.PAYMENT_SETTLE_SECONDS * 1_000 + FOUND_OUT_WITHIN_MS,
          ]),
          isComplete: true,
        }),
      },
      ...this.checksOfPayments(),
    );
  }

  private checksOfPayments(): FollowingCheck[] {
    const changed = changesBy(this.database, changedPayments);
    return [
      {
        id: 'payment_amounts_ordered',
        invariant: 2,
        title: '0 <= refunded + pending refund <= captured <= authorized <= amount',
        changed,
        examine: breachesBy(this.database, unorderedAmounts),
      },
      {
        id: 'ledger_matches_payment',
        invariant: 3,
        title: 'The ledger holds of each payment what was captured and not refunded',
        changed,
        examine: breachesBy(this.database, ledgerUnlikePayment),
      },
      {
        id: 'payment_matches_operations',
        invariant: 3,
        title: 'The amounts of a payment are those of its operations and refunds',
        changed,
        examine: breachesBy(this.database, paymentUnlikeOperations),
      },
      {
        id: 'disputes_match_ledger',
        invariant: 3,
        title: 'What banks hold of a payment is what its disputes say, and so does the ledger',
        changed,
        examine: breachesBy(this.database, disputesUnlikePayment),
      },
      {
        id: 'refunds_match_operations',
        invariant: 3,
        title: 'Each refund has one operation, with its amount and its fate',
        changed,
        examine: breachesBy(this.database, refundsUnlikeOperations),
      },
      {
        id: 'allocations_match_refunds',
        invariant: 12,
        title: 'The lines make up the payment, and what is refunded of them is what their refunds say',
        changed,
        examine: breachesBy(this.database, allocationsUnlikeRefunds),
      },
    ];
  }

  /**
   * Adds what is settled to the running totals. Totals that are off are counted again from the first entry before
   * that is called a breach, which reads the whole ledger: the price of being wrong, paid only then.
   */
  private async sumUpLedger({ position, settledBefore }: SurveyStep): Promise<Survey> {
    const last = await this.database.queryOne<Position & { count: number }>(addToTotals, [
      position.at,
      position.id,
      settledBefore,
      TOTALS_STEP,
    ]);
    const reached = last && isAfter(last, position) ? { at: last.at, id: last.id } : position;
    if (last?.count === TOTALS_STEP) return { breaches: [], position: reached, isComplete: false };
    let breaches = await this.database.query<Breach>(unbalancedTotals);
    if (breaches.length > 0) {
      await this.database.query(forgetTotals);
      await this.database.query(recountTotals, [reached.at, reached.id]);
      breaches = await this.database.query<Breach>(unbalancedTotals);
    }
    return { breaches, position: reached, isComplete: true };
  }
}
