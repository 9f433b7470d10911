import type { Dispute } from '../dispute.js';
import type { Composition, LedgerEntry } from '../ledger.js';
import { isOpen, type NewsWorth, type Operation } from '../operation.js';
import { Payment } from '../payment.js';
import type {
  Allocation,
  CaptureMode,
  PaymentChange,
  PaymentState,
  Refund,
  RefundLine,
} from '../payment-state.js';
import type { GatewayOutcome } from '../payment-gateway.js';

/** Id of the first operation of a payment that is opened here. */
export const AUTHORIZATION = 'operation 0';
export const SUCCEEDED: GatewayOutcome = { result: 'succeeded', gatewayId: 'gateway-id' };
export const DECLINED: GatewayOutcome = { result: 'declined', declineCode: 'insufficient_funds' };
export const FAILED: GatewayOutcome = { result: 'failed', declineCode: 'refused' };
export const REQUIRES_ACTION: GatewayOutcome = { result: 'requires_action' };
/** The refund had begun at the gateway, and did not come to its end. */
export const SENT_BACK: GatewayOutcome = { result: 'failed', declineCode: 'expired_card', gatewayId: 're_1' };

export interface PaymentOptions {
  readonly captureMode?: CaptureMode;
  readonly total?: Composition;
  readonly lines?: readonly RefundLine[];
}

const TOTAL: Composition = { goods: 1_000, shipping: 300, tax: 200 };
const LINES: readonly RefundLine[] = [
  { lineId: 'mug', amount: 900 },
  { lineId: 'tea', amount: 600 },
];

/**
 * A payment as its repository treats it: every verb works on a payment that is loaded afresh, with what is open and
 * nothing else; what it changed is kept, and a verb that refuses leaves nothing behind.
 */
export class StoredPayment {
  readonly log: { readonly change: PaymentChange; readonly state: PaymentState }[] = [];
  readonly operations = new Map<string, Operation>();
  readonly refunds = new Map<string, Refund>();
  readonly allocations = new Map<string, Allocation>();
  readonly disputes = new Map<string, Dispute>();
  readonly ledger: LedgerEntry[] = [];

  private constructor(private current: PaymentState) {}

  /** A new payment of 10.00 for goods, 3.00 for shipping and 2.00 of tax, unless `options` say otherwise. */
  static open({ captureMode = 'manual', total = TOTAL, lines = LINES }: PaymentOptions = {}): StoredPayment {
    const payment = Payment.open({
      id: 'payment',
      orderId: 'order',
      method: 'pm_card_visa',
      captureMode,
      currency: 'GBP',
      total,
      gateway: 'sandbox',
      operationId: AUTHORIZATION,
      lines,
    });
    const stored = new StoredPayment(payment.state);
    stored.keep(payment);
    return stored;
  }

  /** A payment whose authorization succeeded; with automatic capture it is captured, too. */
  static authorized(options: PaymentOptions = {}): StoredPayment {
    const stored = StoredPayment.open(options);
    stored.carryOut(AUTHORIZATION, SUCCEEDED);
    return stored;
  }

  static captured(options: PaymentOptions = {}): StoredPayment {
    return StoredPayment.authorized({ captureMode: 'automatic', ...options });
  }

  /** A captured payment, `amount` of which a refund named `first` has reserved. */
  static refunding(amount: number): StoredPayment {
    const stored = StoredPayment.captured();
    stored.update((it) =>
      it.requestRefund({ refundId: 'first', operationId: 'first', amount, reason: null }),
    );
    return stored;
  }

  /** A payment of which nothing is known but its state. */
  static inState(state: PaymentState): StoredPayment {
    return new StoredPayment(state);
  }

  get state(): PaymentState {
    return this.current;
  }

  get openOperations(): Operation[] {
    return [...this.operations.values()].filter(isOpen);
  }

  /** Loads the payment, lets `verb` change it, and keeps the changes; returns which they were. See `ask`. */
  update(verb: (payment: Payment) => void, about?: string): PaymentChange[] {
    const before = this.log.length;
    this.ask(verb, about);
    return this.log.slice(before).map(({ change }) => change);
  }

  /**
   * The same, and returns what `verb` says.
   *
   * @param about an operation that is loaded, with its refund, even where it is resolved
   */
  ask<T>(verb: (payment: Payment) => T, about?: string): T {
    const operations = [...this.operations.values()].filter((each) => isOpen(each) || each.id === about);
    const refunds = [...this.refunds.values()].filter(
      ({ status, id }) => status === 'pending' || id === about,
    );
    const allocations = [...this.allocations.values()];
    const disputes = [...this.disputes.values()];
    const payment = Payment.rehydrate(this.current, operations, refunds, allocations, disputes);
    const answer = verb(payment);
    this.keep(payment);
    return answer;
  }

  /** The gateway reports what has become of an operation; what the report was worth. */
  learn(operationId: string, outcome: GatewayOutcome, amount?: number): NewsWorth {
    const known = this.operations.get(operationId)?.amount ?? 0;
    const report = { operationId, outcome, amount: amount ?? known, currency: 'GBP' };
    return this.ask((payment) => payment.learn(report), operationId);
  }

  /** The operation is claimed, and with that marked as sent. */
  send(operationId: string): void {
    const operation = this.operations.get(operationId);
    if (operation?.status === 'created') this.operations.set(operationId, { ...operation, status: 'sent' });
  }

  /** The operation is sent, and the gateway answers. */
  carryOut(operationId: string, outcome: GatewayOutcome): PaymentChange[] {
    this.send(operationId);
    return this.update((payment) => payment.resolve(operationId, outcome));
  }

  /** Asks for a refund and has the gateway answer. */
  refund(
    request: { id: string; amount?: number; lines?: readonly { lineId: string; amount?: number }[] },
    outcome = SUCCEEDED,
  ): void {
    const { id, amount, lines } = request;
    this.update((payment) =>
      payment.requestRefund({ refundId: id, operationId: id, amount, lines, reason: null }),
    );
    this.carryOut(id, outcome);
  }

  /** Asks for a capture and has the gateway answer. */
  capture(id: string, amount?: number, outcome = SUCCEEDED): void {
    this.update((payment) => payment.requestCapture(id, amount));
    this.carryOut(id, outcome);
  }

  private keep({ state, changes }: Payment): void {
    this.current = state;
    this.log.push(...changes.log);
    this.ledger.push(...changes.ledger);
    for (const kept of ['operations', 'refunds', 'allocations', 'disputes'] as const) {
      const target: Map<string, unknown> = this[kept];
      for (const [id, changed] of changes[kept]) target.set(id, changed);
    }
  }
}
