import { createHash } from 'node:crypto';
import type { CaptureMethod, Decline, Effect, Intent, Metadata, News, NewsType, Refund } from './records.js';
import { cardRefused, unknownResource } from './refusal.js';
import {
  amountToCapture,
  amountToRefund,
  type CaptureOrder,
  type RefundOrder,
  requireCancelable,
} from './rules.js';

/** What the bank says to an authorization. */
export type Verdict = 'approved' | 'action_required' | Decline;

export interface NewIntent {
  readonly amount: number;
  readonly currency: string;
  readonly captureMethod: CaptureMethod;
  readonly confirm: boolean;
  readonly paymentMethod: string | null;
  readonly metadata: Metadata;
  readonly multicapture: boolean;
  /** Fails the attempt where it would wait for the shopper. */
  readonly errorOnAction: boolean;
}

const AUTHENTICATION_REFUSED: Decline = {
  code: 'authentication_required',
  declineCode: 'authentication_not_handled',
  message: 'Your card was declined. This transaction requires authentication.',
};

/**
 * The books of the gateway: payments, refunds, and the log of every effect. Each verb either has its whole effect or
 * throws a GatewayRefusal. Records never change; a verb puts a new one in place of the old, so whoever kept an answer
 * has it as it was.
 */
export class Books {
  private readonly intents = new Map<string, Intent>();
  private readonly refunds = new Map<string, Refund>();
  private readonly log: Effect[] = [];
  private news: News[] = [];
  private newsCount = 0;

  /** @param seed names of payments and refunds follow from it and from the key of the request */
  constructor(
    private readonly now: () => number,
    private readonly seed: number,
  ) {}

  get effects(): readonly Effect[] {
    return this.log;
  }

  /** What happened since this was last asked. */
  takeNews(): News[] {
    const news = this.news;
    this.news = [];
    return news;
  }

  create(key: string, order: NewIntent, verdict: Verdict): Intent {
    const { confirm, errorOnAction, ...rest } = order;
    const draft: Intent = {
      ...rest,
      id: this.freeId('pi', key, this.intents),
      status: order.paymentMethod === null ? 'requires_payment_method' : 'requires_confirmation',
      amountCapturable: 0,
      amountReceived: 0,
      amountRefunded: 0,
      createdAt: this.now(),
      canceledAt: null,
      lastError: null,
      chargeId: null,
    };
    if (!confirm) return this.keep(draft);
    if (verdict === 'approved') return this.approve(key, draft);
    if (verdict === 'action_required' && !errorOnAction) {
      const waiting = this.keep({ ...draft, status: 'requires_action' });
      this.tell('payment_intent.requires_action', key, waiting);
      return waiting;
    }
    const decline = verdict === 'action_required' ? AUTHENTICATION_REFUSED : verdict;
    const failed = this.keep({
      ...draft,
      status: 'requires_payment_method',
      paymentMethod: null,
      lastError: decline,
      chargeId: this.idOf('ch', draft.id),
    });
    this.tell('payment_intent.payment_failed', key, failed);
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
    if (amount > 0) this.effect('captured', key, captured, amount);
    else if (intent.amountCapturable > 0) this.effect('voided', key, captured, intent.amountCapturable);
    this.tell('payment_intent.amount_capturable_updated', key, captured);
    if (order.isFinal) {
      this.tell('charge.captured', key, captured);
      this.tell('payment_intent.succeeded', key, captured);
    }
    return captured;
  }

  cancel(key: string, intentId: string): Intent {
    const intent = this.intent(intentId);
    requireCancelable(intent);
    const canceled = this.keep({
      ...intent,
      status: 'canceled',
      amountCapturable: 0,
      canceledAt: this.now(),
    });
    if (intent.amountCapturable > 0) this.effect('voided', key, canceled, intent.amountCapturable);
    this.tell('payment_intent.canceled', key, canceled);
    return canceled;
  }

  /** @param status `failed` has no effect: the bank refused at once */
  refund(key: string, order: RefundOrder, status: Refund['status']): Refund {
    const intent = this.intent(order.intentId, 'payment_intent');
    const amount = amountToRefund(intent, order);
    const refund: Refund = {
      id: this.freeId('re', key, this.refunds),
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
    this.tell('refund.created', key, intent, refund);
    if (status === 'failed') {
      this.tell('refund.failed', key, intent, refund);
      return refund;
    }
    const refunded = this.keep({ ...intent, amountRefunded: intent.amountRefunded + amount });
    this.effect('refunded', key, refunded, amount, refund.id);
    this.tell('charge.refunded', key, refunded);
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
      this.tell('refund.updated', key, intent, settled);
      return;
    }
    const restored = this.keep({ ...intent, amountRefunded: intent.amountRefunded - refund.amount });
    this.effect('refund_failed', key, restored, refund.amount, refundId);
    this.tell('refund.updated', key, restored, settled);
    this.tell('refund.failed', key, restored, settled);
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

  /** Newest first. */
  refundsOfIntent(intentId: string): Refund[] {
    return [...this.refunds.values()].filter((refund) => refund.intentId === intentId).reverse();
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

  private approve(key: string, draft: Intent): Intent {
    const isManual = draft.captureMethod === 'manual';
    const approved = this.keep({
      ...draft,
      status: isManual ? 'requires_capture' : 'succeeded',
      amountCapturable: isManual ? draft.amount : 0,
      amountReceived: isManual ? 0 : draft.amount,
      chargeId: this.idOf('ch', draft.id),
    });
    this.effect(isManual ? 'authorized' : 'captured', key, approved, approved.amount);
    this.tell(
      isManual ? 'payment_intent.amount_capturable_updated' : 'payment_intent.succeeded',
      key,
      approved,
    );
    return approved;
  }

  private keep(intent: Intent): Intent {
    this.intents.set(intent.id, intent);
    return intent;
  }

  private effect(
    kind: Effect['kind'],
    key: string,
    intent: Intent,
    amount: number,
    refundId: string | null = null,
  ): void {
    const sequence = this.log.length + 1;
    const { id: intentId, currency } = intent;
    this.log.push({ sequence, kind, key, intentId, refundId, amount, currency, at: this.now() });
  }

  private tell(type: NewsType, key: string, intent: Intent, refund: Refund | null = null): void {
    this.newsCount += 1;
    // The time keeps a simulator that was started again from repeating the names of its earlier news.
    const id = this.idOf('evt', `${this.now()} ${this.newsCount}`);
    this.news.push({ id, type, intent, refund, at: this.now(), key });
  }

  /** A key that the gateway has forgotten makes something new, as it would at Stripe. */
  private freeId(prefix: string, key: string, taken: ReadonlyMap<string, unknown>): string {
    for (
      let round = 1, id = this.idOf(prefix, key);
      ;
      round += 1, id = this.idOf(prefix, `${key} ${round}`)
    ) {
      if (!taken.has(id)) return id;
    }
  }

  /** The same request has the same name in every run, also after the simulator was started again. */
  private idOf(prefix: string, key: string): string {
    const digest = createHash('sha256').update(`${this.seed} ${prefix} ${key}`).digest('hex');
    return `${prefix}_sim${digest.slice(0, 24)}`;
  }
}
