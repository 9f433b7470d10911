import { statement } from '#platform/database';

export const orderOfPayment = statement(
  'payments.order_of_payment',
  'SELECT order_id FROM payments.payments WHERE id = $1',
);
export const openOperationsOfOrder = statement(
  'payments.open_operations_of_order',
  `SELECT o.id FROM payments.operations o JOIN payments.payments p ON p.id = o.payment_id
    WHERE p.order_id = $1 AND o.status IN ('created', 'sent', 'unknown') ORDER BY o.created_at, o.id`,
);

/** A refund's operation bears its id, so what is about the operation is about the refund. */
export const loadPayment = statement(
  'payments.load',
  `SELECT p.*,
     (SELECT coalesce(json_agg(json_build_object('id', o.id, 'kind', o.kind, 'status', o.status, 'amount', o.amount,
         'method', o.method, 'refundId', o.refund_id, 'declineCode', o.decline_code, 'gatewayId', o.gateway_id,
         'needsAttention', o.needs_attention_since IS NOT NULL, 'resolvedBy', o.resolved_by,
         'resolutionReason', o.resolution_reason)), '[]')
        FROM payments.operations o
       WHERE o.payment_id = p.id AND (o.status IN ('created', 'sent', 'unknown') OR o.id = $3)) AS operations,
     (SELECT coalesce(json_agg(json_build_object('id', r.id, 'amount', r.amount, 'status', r.status,
         'reason', r.reason, 'lines', r.lines)), '[]')
        FROM payments.refunds r WHERE r.payment_id = p.id AND (r.status = 'pending' OR r.id = $3)) AS refunds,
     (SELECT coalesce(json_agg(json_build_object('id', d.id, 'gatewayId', d.gateway_id, 'amount', d.amount,
         'reason', d.reason, 'status', d.status, 'respondBy', d.respond_by)), '[]')
        FROM payments.disputes d WHERE d.payment_id = p.id AND d.gateway_id = $4) AS disputes,
     (SELECT coalesce(json_agg(json_build_object('lineId', a.line_id, 'amount', a.amount,
         'refundedAmount', a.refunded_amount)), '[]')
        FROM payments.allocations a WHERE a.payment_id = p.id AND $2) AS allocations
   FROM payments.payments p WHERE p.id = $1 FOR UPDATE OF p`,
);

/** What a payment keeps of itself for good, and what changes with it. */
const FROZEN_COLUMNS = [
  'id',
  'order_id',
  'capture_mode',
  'currency',
  'amount',
  'shipping_amount',
  'tax_amount',
  'gateway',
] as const;
const CHANGING_COLUMNS = [
  'status',
  'outcome',
  'method',
  'authorized_amount',
  'captured_amount',
  'captured_shipping_amount',
  'captured_tax_amount',
  'refunded_amount',
  'refunded_shipping_amount',
  'refunded_tax_amount',
  'pending_refund_amount',
  'disputed_amount',
  'gateway_payment_id',
  'authorized_until',
  'decline_code',
  'version',
] as const;
const COLUMNS = [...FROZEN_COLUMNS, ...CHANGING_COLUMNS];

/** The columns of a payment that are saved, by their names. */
export type SavedColumns = Readonly<Record<(typeof COLUMNS)[number], unknown>>;

/**
 * One round trip for the payment ($1, a row of its table) and all that changed with it: refunds ($2), operations ($3),
 * allocations ($4), disputes ($5) and entries of the ledger ($6), each a JSON array. A refund that is pending, and an
 * operation that is created, are new: loading them again never leaves them so. $7 is when the worker takes a new
 * operation over, $8 how long processing may take, in milliseconds.
 */
export const savePayment = statement(
  'payments.save',
  `WITH payment AS (
     INSERT INTO payments.payments AS p (${COLUMNS.join(', ')}, resolve_by)
     SELECT ${COLUMNS.join(', ')}, CASE WHEN status = 'processing' THEN now() + $8 * interval '1 millisecond' END
       FROM json_populate_record(NULL::payments.payments, $1)
     ON CONFLICT (id) DO UPDATE SET ${CHANGING_COLUMNS.map((name) => `${name} = excluded.${name}`).join(', ')},
       resolve_by = CASE WHEN excluded.resolve_by IS NOT NULL THEN coalesce(p.resolve_by, excluded.resolve_by) END,
       updated_at = now()
     RETURNING p.id, p.order_id, p.currency
   ), new_refunds AS (
     INSERT INTO payments.refunds (id, payment_id, amount, status, reason, lines)
     SELECT x.id, payment.id, amount, status, reason, lines
       FROM payment, json_to_recordset($2) AS x (id uuid, amount bigint, status text, reason text, lines jsonb)
      WHERE status = 'pending'
   ), resolved_refunds AS (
     UPDATE payments.refunds r SET status = x.status, updated_at = now()
       FROM json_to_recordset($2) AS x (id uuid, status text) WHERE r.id = x.id AND x.status <> 'pending'
   ), new_operations AS (
     INSERT INTO payments.operations (id, payment_id, kind, status, amount, method, refund_id, next_attempt_at)
     SELECT x.id, payment.id, kind, status, amount, method, "refundId", now() + $7 * interval '1 millisecond'
       FROM payment, json_to_recordset($3) AS x (id uuid, kind text, status text, amount bigint, method text,
              "refundId" uuid)
      WHERE status = 'created'
   ), changed_operations AS (
     UPDATE payments.operations o
        SET status = x.status, decline_code = x."declineCode", gateway_id = x."gatewayId",
            needs_attention_since = CASE WHEN x."needsAttention" THEN coalesce(o.needs_attention_since, now()) END,
            resolved_by = x."resolvedBy", resolution_reason = x."resolutionReason", updated_at = now()
       FROM json_to_recordset($3) AS x (id uuid, status text, "declineCode" text, "gatewayId" text,
              "needsAttention" boolean, "resolvedBy" text, "resolutionReason" text)
      WHERE o.id = x.id AND x.status <> 'created'
   ), allocations AS (
     INSERT INTO payments.allocations AS a (payment_id, line_id, amount, refunded_amount)
     SELECT payment.id, "lineId", amount, "refundedAmount"
       FROM payment, json_to_recordset($4) AS x ("lineId" uuid, amount bigint, "refundedAmount" bigint)
     ON CONFLICT (payment_id, line_id) DO UPDATE SET refunded_amount = excluded.refunded_amount
   ), disputes AS (
     INSERT INTO payments.disputes AS d (id, payment_id, gateway_id, amount, reason, status, respond_by)
     SELECT x.id, payment.id, "gatewayId", amount, reason, status, "respondBy"
       FROM payment, json_to_recordset($5) AS x (id uuid, "gatewayId" text, amount bigint, reason text, status text,
              "respondBy" timestamptz)
     ON CONFLICT (id) DO UPDATE SET amount = excluded.amount, status = excluded.status,
       respond_by = excluded.respond_by, updated_at = now()
   ), entries AS (
     INSERT INTO payments.ledger_transactions (id, kind, payment_id, order_id, operation_id, dispute_id, currency)
     SELECT x.id, kind, payment.id, order_id, "operationId", "disputeId", currency
       FROM payment, json_to_recordset($6) AS x (id uuid, kind text, "operationId" uuid, "disputeId" uuid)
   )
   INSERT INTO payments.ledger_postings (transaction_id, account, amount, currency)
   SELECT x.id, posting.account, posting.amount, currency
     FROM payment, json_to_recordset($6) AS x (id uuid, postings json),
          json_to_recordset(x.postings) AS posting (account text, amount bigint)`,
);

export const claimOperation = statement(
  'payments.claim_operation',
  `UPDATE payments.operations o
      SET fence = fence + 1, attempts = attempts + 1, leased_until = now() + $2 * interval '1 millisecond',
          status = CASE o.status WHEN 'created' THEN 'sent' ELSE o.status END, updated_at = now(),
          first_sent_at = coalesce(o.first_sent_at, clock_timestamp())
     FROM payments.payments p
    WHERE o.id = $1 AND p.id = o.payment_id AND o.status IN ('created', 'sent', 'unknown')
      AND (o.leased_until IS NULL OR o.leased_until < now())
   RETURNING (extract(epoch FROM clock_timestamp() - old.first_sent_at) * 1000)::bigint AS "sentForMs", o.id, o.kind,
     o.amount, o.method, o.payment_id AS "paymentId", p.order_id AS "orderId", p.currency,
     p.capture_mode AS "captureMode", p.gateway, p.gateway_payment_id AS "gatewayPaymentId", o.fence, o.attempts`,
);
export const leaseFence = statement(
  'payments.lease_fence',
  'SELECT fence FROM payments.operations WHERE id = $1',
);
export const releaseOperation = statement(
  'payments.release_operation',
  `UPDATE payments.operations
      SET leased_until = NULL, next_attempt_at = now() + $3 * interval '1 millisecond',
          first_sent_at = CASE WHEN NOT $4 THEN first_sent_at END
    WHERE id = $1 AND fence = $2`,
);
export const dueOperations = statement(
  'payments.due_operations',
  `SELECT id FROM payments.operations
    WHERE status IN ('created', 'sent', 'unknown') AND needs_attention_since IS NULL AND next_attempt_at <= now()
      AND (leased_until IS NULL OR leased_until < now())
    ORDER BY next_attempt_at LIMIT $1`,
);

const PLACE = 'p.id AS "paymentId", p.order_id AS "orderId"';
export const placeOfOperation = statement(
  'payments.place_of_operation',
  `SELECT ${PLACE} FROM payments.operations o JOIN payments.payments p ON p.id = o.payment_id WHERE o.id = $1`,
);
export const placeAtGateway = statement(
  'payments.place_at_gateway',
  `SELECT ${PLACE} FROM payments.payments p WHERE p.gateway = $1 AND p.gateway_payment_id = $2`,
);
export const dueAuthorizations = statement(
  'payments.due_authorizations',
  `SELECT ${PLACE} FROM payments.payments p
    WHERE p.authorized_until <= $1 AND p.status IN ('authorized', 'partially_captured')
      AND NOT EXISTS (SELECT FROM payments.operations o
                       WHERE o.payment_id = p.id AND o.status IN ('created', 'sent', 'unknown'))
    ORDER BY p.authorized_until LIMIT $2`,
);
