import type { Client } from 'pg';
import type { RunningSimulator } from '../support/gateway-simulator.js';

type Effects = RunningSimulator['simulator']['effects'];

/** What each effect does to what the gateway owes us. */
const SIGNS: Readonly<Record<Effects[number]['kind'], -1 | 0 | 1>> = {
  authorized: 0,
  captured: 1,
  voided: 0,
  refunded: -1,
  refund_failed: 1,
  disputed: -1,
  dispute_won: 1,
};

type Kind = 'authorize' | 'capture' | 'void' | 'refund';

interface OperationRow {
  id: string;
  kind: Kind;
  status: string;
  amount: number;
  currency: string;
  capture_mode: string;
  order_status: string | null;
  refund_status: string | null;
}

/** Order statuses behind which money may be held. A cancellation that the gateway refuses waits for staff. */
const MAY_HOLD = new Set(['confirmed', 'partially_fulfilled', 'fulfilled', 'completed', 'cancel_pending']);

/**
 * Compares what happened to the money, in the gateway's own log, with what Steelyard believes, at rest: each
 * operation has at most one effect and says what became of it, the sums are those of the ledger, and nothing is held
 * of a shopper whose order is gone.
 */
export async function findEffectBreaches(sql: Client, { simulator }: RunningSimulator): Promise<object[]> {
  const { rows } = await sql.query<OperationRow>(
    `SELECT o.id, o.kind, o.status, o.amount::float8 AS amount, lower(p.currency) AS currency, p.capture_mode,
            orders.status AS order_status, r.status AS refund_status
       FROM payments.operations o JOIN payments.payments p ON p.id = o.payment_id
       LEFT JOIN orders.orders ON orders.id = p.order_id LEFT JOIN payments.refunds r ON r.id = o.refund_id`,
  );
  const operations = new Map(rows.map((row) => [row.id, row]));
  const effects = Map.groupBy(simulator.effects, ({ key }) => key);
  const breaches: object[] = [];
  for (const [key, ofKey] of effects) {
    const operation = operations.get(key);
    if (!operation) breaches.push({ problem: 'an effect of no operation', effects: ofKey });
  }
  for (const operation of rows) breaches.push(...breachesOf(operation, effects.get(operation.id) ?? []));
  breaches.push(...(await findClearingBreaches(sql, simulator.effects)));
  for (const { kind, key, intentId } of simulator.effects) {
    if (kind !== 'authorized') continue;
    const { executed } = simulator.intent({ fingerprint: 'invariants' }, intentId);
    const held = 'result' in executed ? executed.result.amountCapturable : 0;
    const { order_status: order = null } = operations.get(key) ?? {};
    if (held > 0 && !MAY_HOLD.has(order ?? ''))
      breaches.push({ problem: 'held for nothing', key, held, order });
  }
  return breaches;
}

function breachesOf(
  { id, kind, status, amount, capture_mode: mode, refund_status: refund }: OperationRow,
  all: Effects,
): object[] {
  const wanted = { authorize: mode === 'automatic' ? 'captured' : 'authorized', capture: 'captured' };
  const expected = { ...wanted, void: 'voided', refund: 'refunded' }[kind];
  const taken = all.filter((effect) => effect.kind === expected);
  const undone = all.filter((effect) => effect.kind === 'refund_failed');
  // What a shopper disputes is the shopper's doing, under the key of what was captured.
  const own = all.filter(({ kind: each }) => each !== 'disputed' && each !== 'dispute_won');
  const problems: string[] = [];
  if (taken.length > 1) problems.push('more than one effect');
  if (taken.length + undone.length !== own.length) problems.push('an effect of another kind');
  if (taken.some((effect) => effect.amount !== amount)) problems.push('an effect of another amount');
  if (undone.length > 0 && refund !== 'failed')
    problems.push('a refund that failed and is not known to have');
  const isDone = taken.length > 0 && undone.length === 0;
  const isBelievedDone = status === 'succeeded' && refund !== 'failed';
  if (isDone !== isBelievedDone) problems.push(isDone ? 'done and not known to be' : 'believed and not done');
  return problems.map((problem) => ({ problem, operation: id, kind, status, amount, effects: all }));
}

interface Clearing {
  name: string;
  currency: string;
  amount: number;
}

/** What the gateway owes us of each payment, by its log and by our ledger. */
async function findClearingBreaches(sql: Client, effects: Effects): Promise<object[]> {
  const { rows } = await sql.query<Clearing>(
    `SELECT p.gateway_payment_id AS name, lower(posting.currency) AS currency, sum(posting.amount)::float8 AS amount
       FROM payments.ledger_postings posting JOIN payments.ledger_transactions t ON t.id = posting.transaction_id
       JOIN payments.payments p ON p.id = t.payment_id
      WHERE posting.account = 'gateway_clearing' GROUP BY 1, 2`,
  );
  const ledger = new Map(rows.map(({ name, currency, amount }) => [`${name} ${currency}`, amount]));
  const ofPayments = Map.groupBy(effects, ({ intentId, currency }) => `${intentId} ${currency}`);
  return [...new Set([...ledger.keys(), ...ofPayments.keys()])].flatMap((payment) => {
    const log = ofPayments.get(payment) ?? [];
    const gateway = log.reduce((sum, { kind, amount }) => sum + SIGNS[kind] * amount, 0);
    const booked = ledger.get(payment) ?? 0;
    return booked === gateway
      ? []
      : [{ problem: 'the sums differ', payment, ledger: booked, gateway, effects: log }];
  });
}
