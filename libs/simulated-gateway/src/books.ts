import { Journal } from './journal.js';
import { type KnownPayment, type NewIntent, UNTOUCHED, type Verdict } from './new-intent.js';
import type { Decline, Dispute, DisputeEnd, Effect, Intent, News, Refund } from './records.js';
import { cardRefused, unknownResource } from './refusal.js';
import {
  amountToCapture,
  amountToDispute,
  amountToRefund,
  type CaptureOrder,
  type DisputeOrder,
  type RefundOrder,
  requireCancelable,
  requireHeld,
  requireOpen,
} from './rules.js';

/** How long a shop has to defend itself in a dispute. */
const DEFENCE_MS = 7 * 86_400_000;

const AUTHENTICATION_REFUSED: Decline = {
  code: 'authentication_required',
  declineCode: 'authentication_not_handled',
  message: 'Your card was declined. This transaction requires authentication.',
};

/**
 * The books of the gateway: payments, refunds, disputes, and the journal of what happened to them. Each verb either
 * has its whole effect or throws a GatewayRefusal. Records never change; a verb puts a new one in place of the old, so
 * whoever kept an answer has it as it was.
 */
export class Books {
  private readonly intents = new Map<string, Intent>();
  private readonly refunds = new Map<string, Refund>();
  private readonly disputes = new Map<string, Dispute>();
  private readonly journal: Journal;

  /** @param seed names of what is in the books follow from it and from the key of the request */
  constructor(
    private readonly now: () => number,
    seed: number,
  ) {
    this.journal = new Journal(now, seed);
  }

  get effects(): readonly Effect[] {
    return this.journal.effects;
  }

  /** What happened since this was last asked. */
  takeNews(): News[] {
    return this.journal.takeNews();
  }

  /** Takes over a payment that is not from here. It has no effect, and there is nothing to tell. */
  adopt({ isCaptured, ...payment }: KnownPayment): void {
    this.keep({
      ...UNTOUCHED,
      ...payment,
      status: isCaptured ? 'succeeded' : 'requires_capture',
      amountCapturable: isCaptured ? 0 : payment.amount,
      amountReceived: isCaptured ? payment.amount : 0,
      captureMethod: 'manual',
      metadata: {},
      multicapture: true,
      createdAt: this.now(),
      chargeId: this.journal.nameOf('ch', payment.id),
    });
  }

  create(key: string, order: NewIntent, verdict: Verdict): Intent {
    const { confirm, errorOnAction, authorizationMs, ...rest } = order;
    const draft: Intent = {
      ...UNTOUCHED,
      ...rest,
      id: this.journal.freeName('pi', key, this.intents),
      status: order.paymentMethod === null ? 'requires_payment_method' : 'requires_confirmation',
      createdAt: this.now(),
    };
    if (!confirm) return this.keep(draft);
    if (verdict === 'approved') return this.approve(key, draft, authorizationMs);
    if (verdict === 'action_required' && !errorOnAction) {
      const waiting = this.keep({ ...draft, status: 'requires_action' });
      this.journal.tell('payment_intent.requires_action', key, waiting);
      return waiting;
    }
    const decline = verdict === 'action_required' ? AUTHENTICATION_REFUSED : verdict;
    const failed = this.keep({
      ...draft,
      status: 'requires_payment_method',
      paymentMethod: null,
      lastError: decline,
      chargeId: this.journal.nameOf('ch', draft.id),
    });
    this.journal.tell('payment_intent.payment_failed', key, failed);
    throw cardRefused(decline, failed);
  }

  capture(key: string, order: CaptureOrder): Intent {
    const intent = this.intent(order.intentId);
    const amount = amountToCapture(intent, order);
    const captured = this.keep({
      ...intent,
      status: order.isFinal ? 'succeeded' : 'requires_capture',
      amountCapturable: order.isFinal ? 0 : intent.amountCapturable - amount,
      amountReceived: intent.amountReceived + amount,
      metadata: { ...intent.metadata, ...order.metadata },
    });
    if (amount > 0) this.journal.enter('captured', key, captured, amount);
    else if (intent.amountCapturable > 0)
      this.journal.enter('voided', key, captured, intent.amountCapturable);
    this.journal.tell('payment_intent.amount_capturable_updated', key, captured);
    if (order.isFinal) {
      this.journal.tell('charge.captured', key, captured);
      this.journal.tell('payment_intent.succeeded', key, captured);
    }
    return captured;
  }

  /** @param reason as whoever cancels it says, or null */
  cancel(key: string, intentId: string, reason: string | null = null): Intent {
    const intent = this.intent(intentId);
    requireCancelable(intent);
    return this.end(key, intent, reason);
  }

  /** The time to capture is over: what is held goes back, and what was captured in part stays so. */
  expire(key: string, intentId: string): Intent {
    const intent = this.intent(intentId, 'payment_intent');
    requireHeld(intent);
    if (intent.amountReceived === 0) return this.end(key, intent, 'automatic');
    return this.capture(key, { intentId, amount: 0, isFinal: true, metadata: {} });
  }

  /** @param status `failed` has no effect: the bank refused at once */
  refund(key: string, order: RefundOrder, status: Refund['status']): Refund {
    const intent = this.intent(order.intentId, 'payment_intent');
    const amount = amountToRefund(intent, order);
    const refund: Refund = {
      id: this.journal.freeName('re', key, this.refunds),
      intentId: intent.id,
      amount,
      currency: intent.currency,
      status,
      failureReason: status === 'failed' ? 'declined' : null,
      reason: order.reason,
      metadata: order.metadata,
      createdAt: this.now(),
    };
    this.refunds.set(refund.id, refund);
    this.journal.tell('refund.created', key, intent, { refund });
    if (status === 'failed') {
      this.journal.tell('refund.failed', key, intent, { refund });
      return refund;
    }
    const refunded = this.keep({ ...intent, amountRefunded: intent.amountRefunded + amount });
    this.journal.enter('refunded', key, refunded, amount, { refundId: refund.id });
    this.journal.tell('charge.refunded', key, refunded);
    return refund;
  }

  /** The bank has made up its mind about a refund that was on its way; one that is failed stays so. */
  settleRefund(key: string, refundId: string, status: 'succeeded' | 'failed'): void {
    const refund = this.refundOf(refundId);
    if (refund.status === 'failed' || refund.status === status) return;
    const settled: Refund = { ...refund, status, failureReason: status === 'failed' ? 'declined' : null };
    this.refunds.set(refundId, settled);
    const intent = this.intent(refund.intentId);
    if (status === 'succeeded') {
      this.journal.tell('refund.updated', key, intent, { refund: settled });
      return;
    }
    const restored = this.keep({ ...intent, amountRefunded: intent.amountRefunded - refund.amount });
    this.journal.enter('refund_failed', key, restored, refund.amount, { refundId });
    this.journal.tell('refund.updated', key, restored, { refund: settled });
    this.journal.tell('refund.failed', key, restored, { refund: settled });
  }

  /** The bank of the shopper takes back what was captured. */
  openDispute(key: string, order: DisputeOrder): Dispute {
    const intent = this.intent(order.intentId, 'payment_intent');
    const amount = amountToDispute(intent, order);
    const dispute: Dispute = {
      id: this.journal.freeName('dp', key, this.disputes),
      intentId: intent.id,
      chargeId: intent.chargeId,
      amount,
      currency: intent.currency,
      reason: order.reason,
      status: 'needs_response',
      createdAt: this.now(),
      dueAt: this.now() + DEFENCE_MS,
    };
    this.disputes.set(dispute.id, dispute);
    const amountDisputed = intent.amountDisputed + amount;
    const disputed = this.keep({ ...intent, amountDisputed, wasDisputed: true });
    this.journal.enter('disputed', key, disputed, amount, { disputeId: dispute.id });
    this.journal.tell('charge.dispute.created', key, disputed, { dispute });
    this.journal.tell('charge.dispute.funds_withdrawn', key, disputed, { dispute });
    return dispute;
  }

  /** Somebody was proven right: the shop gets its money back, or has lost it for good. */
  closeDispute(key: string, disputeId: string, status: DisputeEnd): Dispute {
    const open = this.disputeOf(disputeId);
    requireOpen(open);
    const dispute: Dispute = { ...open, status };
    this.disputes.set(disputeId, dispute);
    const intent = this.intent(dispute.intentId);
    if (status === 'lost') {
      this.journal.tell('charge.dispute.closed', key, intent, { dispute });
      return dispute;
    }
    const restored = this.keep({ ...intent, amountDisputed: intent.amountDisputed - dispute.amount });
    this.journal.enter('dispute_won', key, restored, dispute.amount, { disputeId });
    this.journal.tell('charge.dispute.closed', key, restored, { dispute });
    this.journal.tell('charge.dispute.funds_reinstated', key, restored, { dispute });
    return dispute;
  }

  intent(id: string, param = 'intent'): Intent {
    const intent = this.intents.get(id);
    if (!intent) throw unknownResource('payment_intent', id, param);
    return intent;
  }

  refundOf(id: string): Refund {
    const refund = this.refunds.get(id);
    if (!refund) throw unknownResource('refund', id, 'refund');
    return refund;
  }

  disputeOf(id: string): Dispute {
    const dispute = this.disputes.get(id);
    if (!dispute) throw unknownResource('dispute', id, 'dispute');
    return dispute;
  }

  /** Newest first. */
  refundsOfIntent(intentId: string): Refund[] {
    return ofIntent(this.refunds, intentId);
  }

  /** Newest first. */
  disputesOfIntent(intentId: string): Dispute[] {
    return ofIntent(this.disputes, intentId);
  }

  /** Intents that carry `value` under `name` and were made before `createdBefore`, newest first. */
  intentsWith(name: string, value: string, createdBefore: number): Intent[] {
    return [...this.intents.values()]
      .filter(
        ({ metadata, createdAt }) =>
          Object.hasOwn(metadata, name) && metadata[name] === value && createdAt <= createdBefore,
      )
      .reverse();
  }

  private approve(key: string, draft: Intent, authorizationMs: number): Intent {
    const isManual = draft.captureMethod === 'manual';
    const approved = this.keep({
      ...draft,
      status: isManual ? 'requires_capture' : 'succeeded',
      amountCapturable: isManual ? draft.amount : 0,
      amountReceived: isManual ? 0 : draft.amount,
      captureBefore: isManual ? this.now() + authorizationMs : null,
      chargeId: this.journal.nameOf('ch', draft.id),
    });
    this.journal.enter(isManual ? 'authorized' : 'captured', key, approved, approved.amount);
    this.journal.tell(
      isManual ? 'payment_intent.amount_capturable_updated' : 'payment_intent.succeeded',
      key,
      approved,
    );
    return approved;
  }

  private end(key: string, intent: Intent, cancellationReason: string | null): Intent {
    const canceled = this.keep({
      ...intent,
      status: 'canceled',
      amountCapturable: 0,
      canceledAt: this.now(),
      cancellationReason,
    });
    if (intent.amountCapturable > 0) this.journal.enter('voided', key, canceled, intent.amountCapturable);
    this.journal.tell('payment_intent.canceled', key, canceled);
    return canceled;
  }

  private keep(intent: Intent): Intent {
    this.intents.set(intent.id, intent);
    return intent;
  }
}

/** Newest first. */
function ofIntent<T extends { readonly intentId: string }>(
  all: ReadonlyMap<string, T>,
  intentId: string,
): T[] {
  return [...all.values()].filter((each) => each.intentId === intentId).reverse();
}
