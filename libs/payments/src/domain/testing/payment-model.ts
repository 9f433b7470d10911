import type { Dispute, DisputeStatus } from '../dispute.js';
import { type Composition, totalOf } from '../ledger.js';
import type { OperationKind } from '../operation.js';
import type { CaptureMode, RefundLine } from '../payment-state.js';
import type { GatewayOutcome } from '../payment-gateway.js';
import type { PaymentStatus } from '../payment-status.js';

/** What must come of a command: a refusal with this code, or so many changes, and what it says of itself. */
export type Answer =
  { readonly refused: string } | { readonly changes: number; readonly returns?: string | boolean };

export interface ModelOperation {
  readonly id: string;
  readonly kind: OperationKind;
  readonly amount: number;
  readonly lines: readonly RefundLine[];
  state: 'created' | 'sent' | 'unknown' | 'succeeded' | 'declined' | 'failed';
  needsAttention: boolean;
  /** The gateway has named the effect. */
  isNamed: boolean;
}

interface ModelLine {
  readonly lineId: string;
  readonly amount: number;
  refunded: number;
}

/** How far a dispute has come: only what is further is news. */
const DISPUTE_STAGES: readonly DisputeStatus[] = [
  'inquiry',
  'closed',
  'needs_response',
  'under_review',
  'lost',
  'won',
];
const HELD_BY_BANKS: readonly DisputeStatus[] = ['needs_response', 'under_review', 'lost'];

const HAPPENED: Answer = { changes: 1 };
const NOTHING_HAPPENED: Answer = { changes: 0 };
const refused = (code: string): Answer => ({ refused: code });

/**
 * A payment, said a second time and as simply as it can be: totals only, no composition, no ledger, no history. The
 * real one is held against it, command by command.
 */
export class PaymentModel {
  status: PaymentStatus = 'processing';
  authorized = 0;
  captured = 0;
  refunded = 0;
  readonly operations: ModelOperation[] = [];
  readonly disputes = new Map<string, { stage: number; amount: number; held: number }>();
  readonly lines: readonly ModelLine[];
  readonly total: number;

  constructor(
    private readonly captureMode: CaptureMode,
    total: Composition,
    lines: readonly RefundLine[],
  ) {
    this.total = totalOf(total);
    this.lines = lines.map((line) => ({ ...line, refunded: 0 }));
    if (this.total > 0) this.ask('authorize', this.total);
    else this.status = 'captured';
  }

  get nextOperationId(): string {
    return `operation ${this.operations.length}`;
  }

  get openOperations(): readonly ModelOperation[] {
    return this.operations.filter(isOpen);
  }

  get pendingRefunds(): number {
    return sumOf(this.openOperations.filter(({ kind }) => kind === 'refund'));
  }

  get disputed(): number {
    return [...this.disputes.values()].reduce((sum, { held }) => sum + held, 0);
  }

  retry(): Answer {
    if (!this.isWaiting) return refused('payment_state_conflict');
    this.status = 'processing';
    return this.ask('authorize', this.total);
  }

  requestCapture(amount = this.capturable): Answer {
    if (!this.isAuthorized) return refused('payment_state_conflict');
    if (this.hasOpen('void')) return refused('payment_operation_open');
    if (amount <= 0 || amount > this.capturable) return refused('capture_exceeds_authorized');
    if (this.hasOpen('capture')) return refused('payment_operation_open');
    return this.ask('capture', amount);
  }

  requestVoid(): Answer {
    if (!this.isAuthorized) return refused('payment_state_conflict');
    if (this.hasOpen('capture', 'void')) return refused('payment_operation_open');
    return this.ask('void', this.capturable);
  }

  cancel(): Answer {
    if (!this.isWaiting && this.status !== 'processing') return refused('payment_state_conflict');
    if (this.openOperations.length > 0) return refused('payment_operation_open');
    this.status = 'canceled';
    return HAPPENED;
  }

  requestRefund(amount = this.refundable): Answer {
    if (!this.isCaptured) return refused('payment_state_conflict');
    if (amount <= 0 || amount > this.refundable) return refused('refund_exceeds_captured');
    return this.ask('refund', amount);
  }

  requestRefundOfLines(
    asked: readonly { readonly lineId: string; readonly amount?: number | undefined }[],
  ): Answer {
    if (!this.isCaptured) return refused('payment_state_conflict');
    const reserved: RefundLine[] = [];
    for (const { lineId, amount } of asked) {
      const line = this.lines.find((it) => it.lineId === lineId);
      if (!line) return refused('unknown_refund_line');
      const left = line.amount - line.refunded - sumOf(reserved.filter((it) => it.lineId === lineId));
      if (amount !== undefined && (amount < 0 || amount > left)) return refused('refund_exceeds_line');
      reserved.push({ lineId, amount: amount ?? left });
    }
    const total = sumOf(reserved);
    if (total === 0 || total > this.refundable) return refused('refund_exceeds_captured');
    this.changeLines(reserved, 1);
    return this.ask('refund', total, reserved);
  }

  send(operation: ModelOperation): Answer {
    if (operation.state === 'created') operation.state = 'sent';
    return NOTHING_HAPPENED;
  }

  markUnknown(operation: ModelOperation): Answer {
    if (operation.state !== 'sent') return NOTHING_HAPPENED;
    operation.state = 'unknown';
    return HAPPENED;
  }

  resolve(operation: ModelOperation, outcome: GatewayOutcome): Answer {
    const { result } = outcome;
    if (operation.state === 'created') return refused('payment_state_conflict');
    if (!isOpen(operation)) return NOTHING_HAPPENED;
    operation.state = result === 'requires_action' ? 'declined' : result;
    operation.needsAttention = false;
    operation.isNamed = 'gatewayId' in outcome;
    if (result === 'succeeded') this.succeed(operation);
    else if (operation.kind === 'refund') this.changeLines(operation.lines, -1);
    else if (operation.kind === 'authorize') {
      this.status = result === 'requires_action' ? 'requires_action' : 'requires_payment_method';
    }
    return HAPPENED;
  }

  /** What succeeded stays so, but for a refund, which the bank may send back. */
  learn(operation: ModelOperation, outcome: GatewayOutcome, isSameAmount = true): Answer {
    if (!isSameAmount) return { changes: 0, returns: 'contradiction' };
    if (isOpen(operation)) {
      const answer = this.resolve(operation, outcome);
      return 'refused' in answer ? answer : { changes: 1, returns: 'new' };
    }
    const { kind, state, isNamed } = operation;
    const hasSucceeded = state === 'succeeded';
    if (hasSucceeded && kind === 'refund' && outcome.result === 'failed') {
      operation.state = 'failed';
      this.refunded -= operation.amount;
      this.changeLines(operation.lines, -1);
      return { changes: 1, returns: 'new' };
    }
    const tellsOfSuccess = outcome.result === 'succeeded';
    const isOld =
      kind === 'refund'
        ? tellsOfSuccess === hasSucceeded || (tellsOfSuccess && isNamed)
        : !tellsOfSuccess || hasSucceeded;
    return { changes: 0, returns: isOld ? 'old' : 'contradiction' };
  }

  endAuthorization(): Answer {
    if (!this.isAuthorized) return { changes: 0, returns: false };
    if (this.hasOpen('capture', 'void')) return refused('payment_operation_open');
    this.giveUpRest();
    return { changes: 1, returns: true };
  }

  trackDispute({ gatewayId, status, amount }: Dispute): Answer {
    const known = this.disputes.get(gatewayId);
    const stage = DISPUTE_STAGES.indexOf(status);
    if (known && stage <= known.stage) return { changes: 0, returns: false };
    const about = known && known.held > 0 ? known.amount : amount;
    const held = HELD_BY_BANKS.includes(status) ? about : 0;
    this.disputes.set(gatewayId, { stage, amount: about, held });
    return { changes: 1, returns: true };
  }

  requireAttention(operation: ModelOperation): Answer {
    if (!isOpen(operation) || operation.needsAttention) return NOTHING_HAPPENED;
    operation.needsAttention = true;
    return HAPPENED;
  }

  decide(operation: ModelOperation, outcome: GatewayOutcome | undefined): Answer {
    if (!operation.needsAttention) return refused('operation_not_stuck');
    return outcome ? this.resolve(operation, outcome) : HAPPENED;
  }

  /** Whatever the gateway says after staff have decided is measured against what they said. */
  decideAndHear(operation: ModelOperation, said: GatewayOutcome, heard: GatewayOutcome): Answer {
    this.send(operation);
    const before = [this.requireAttention(operation)];
    if (operation.needsAttention) before.push(this.decide(operation, said));
    const answer = this.learn(operation, heard);
    return 'refused' in answer ? answer : { ...answer, changes: changesOf(before) + answer.changes };
  }

  private succeed({ kind, amount }: ModelOperation): void {
    switch (kind) {
      case 'authorize':
        this.authorized = amount;
        this.captured = this.captureMode === 'automatic' ? amount : 0;
        this.status = this.captureMode === 'automatic' ? 'captured' : 'authorized';
        return;
      case 'capture':
        this.captured += amount;
        this.status = this.capturable === 0 ? 'captured' : 'partially_captured';
        return;
      case 'void':
        return this.giveUpRest();
      case 'refund':
        this.refunded += amount;
    }
  }

  private giveUpRest(): void {
    this.authorized = this.captured;
    this.status = this.captured === 0 ? 'canceled' : 'captured';
  }

  private ask(kind: OperationKind, amount: number, lines: readonly RefundLine[] = []): Answer {
    this.operations.push({
      id: this.nextOperationId,
      kind,
      amount,
      lines,
      state: 'created',
      needsAttention: false,
      isNamed: false,
    });
    return HAPPENED;
  }

  private changeLines(by: readonly RefundLine[], sign: 1 | -1): void {
    for (const line of this.lines) {
      line.refunded += sign * sumOf(by.filter(({ lineId }) => lineId === line.lineId));
    }
  }

  private hasOpen(...kinds: readonly OperationKind[]): boolean {
    return this.openOperations.some(({ kind }) => kinds.includes(kind));
  }

  private get capturable(): number {
    return this.authorized - this.captured;
  }

  private get refundable(): number {
    return Math.max(0, this.captured - this.refunded - this.pendingRefunds - this.disputed);
  }

  private get isWaiting(): boolean {
    return this.status === 'requires_payment_method' || this.status === 'requires_action';
  }

  private get isAuthorized(): boolean {
    return this.status === 'authorized' || this.status === 'partially_captured';
  }

  private get isCaptured(): boolean {
    return this.status === 'captured' || this.status === 'partially_captured';
  }
}

function isOpen({ state }: ModelOperation): boolean {
  return state === 'created' || state === 'sent' || state === 'unknown';
}

function changesOf(answers: readonly Answer[]): number {
  return answers.reduce((sum, answer) => sum + ('changes' in answer ? answer.changes : 0), 0);
}

function sumOf(amounts: readonly { readonly amount: number }[]): number {
  return amounts.reduce((sum, { amount }) => sum + amount, 0);
}
