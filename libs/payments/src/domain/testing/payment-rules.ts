import { holdsMoney } from '../dispute.js';
import { LEDGER_ACCOUNTS, type LedgerAccount, type LedgerEntry, totalOf } from '../ledger.js';
import { isOpen, type OperationKind } from '../operation.js';
import { PAYMENT_TRANSITIONS } from '../payment-status.js';
import type { CaptureMode } from '../payment-state.js';
import type { StoredPayment } from './stored-payment.js';

/** The rules that hold for every payment at any moment, whatever a model thinks; returns those that are broken. */
export function brokenRules(payment: StoredPayment): string[] {
  const { state, ledger, log, allocations, disputes, openOperations } = payment;
  const { total, captured, refunded, pendingRefundAmount, authorizedAmount } = state;
  const statuses = log.map((entry) => entry.state.status);
  const single = openOperations.map(({ kind }) => kind).filter((kind) => kind !== 'refund');
  const done = [...payment.operations.values()].filter(({ status }) => status === 'succeeded');
  const rules = {
    '0 <= refunded + pending <= captured <= authorized <= total': isAscending(
      0,
      totalOf(refunded),
      totalOf(refunded) + pendingRefundAmount,
      totalOf(captured),
      authorizedAmount,
      totalOf(total),
    ),
    'the same holds for goods, shipping and tax': (['goods', 'shipping', 'tax'] as const).every((part) =>
      isAscending(0, refunded[part], captured[part], total[part]),
    ),
    'no line is refunded beyond its allocation': [...allocations.values()].every((line) =>
      isAscending(0, line.refundedAmount, line.amount),
    ),
    'every ledger entry sums to zero': ledger.every(({ postings }) => amountOf(postings) === 0),
    'nothing moves the same money twice': areDistinct(
      ledger.map(({ kind, operationId, disputeId }) => `${kind} ${operationId ?? disputeId}`),
    ),
    'money has moved for what succeeded, and for nothing else': areSame(
      { captured: totalOf(captured), refunded: totalOf(refunded) },
      {
        captured: amountOf(done.filter(({ kind }) => kind === takesMoney(state.captureMode))),
        refunded: amountOf(done.filter(({ kind }) => kind === 'refund')),
      },
    ),
    'what is disputed is what banks hold':
      state.disputedAmount === amountOf([...disputes.values()].filter(holdsMoney)),
    'the books show what the payment says of itself': areSame(balancesOf(ledger), {
      gateway_clearing: totalOf(captured) - totalOf(refunded) - state.disputedAmount,
      sales: 0 - captured.goods,
      sales_refunds: refunded.goods,
      shipping: refunded.shipping - captured.shipping,
      tax_payable: refunded.tax - captured.tax,
      disputes: state.disputedAmount,
      fees: 0,
    }),
    'only what is open needs attention': [...payment.operations.values()].every(
      (operation) => !operation.needsAttention || isOpen(operation),
    ),
    'each change is one version': log.every((entry, index) => entry.state.version === index + 1),
    'the last change is the state': log.at(-1)?.state === state,
    'the status goes only where the table says, and ends stay': statuses.every((to, index) => {
      const from = statuses[index - 1] ?? to;
      return to === from || PAYMENT_TRANSITIONS[from].includes(to);
    }),
    'there is an outcome to wait for while processing only':
      (state.outcome !== null) === (state.status === 'processing'),
    'one operation of a kind is open at most, but for refunds': areDistinct(single),
  };
  const broken = Object.entries(rules).filter(([, holds]) => !holds);
  return broken.map(([rule]) => rule);
}

function balancesOf(ledger: readonly LedgerEntry[]): Record<LedgerAccount, number> {
  const postings = ledger.flatMap((entry) => entry.postings);
  const balances = LEDGER_ACCOUNTS.map(
    (account) => [account, amountOf(postings.filter((posting) => posting.account === account))] as const,
  );
  return Object.fromEntries(balances) as Record<LedgerAccount, number>;
}

/** The kind of operation that takes the money. */
function takesMoney(captureMode: CaptureMode): OperationKind {
  return captureMode === 'automatic' ? 'authorize' : 'capture';
}

function areSame<K extends string>(left: Record<K, number>, right: Record<K, number>): boolean {
  return (Object.keys(left) as K[]).every((key) => left[key] === right[key]);
}

function isAscending(...amounts: readonly number[]): boolean {
  return amounts.every((amount, index) => (amounts[index - 1] ?? -Infinity) <= amount);
}

function areDistinct(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}

function amountOf(amounts: readonly { readonly amount: number }[]): number {
  return amounts.reduce((sum, { amount }) => sum + amount, 0);
}
