import { DomainError } from '#kernel';
import { isOpen, nextOperationStatus, type Operation, type OperationKind } from './operation.js';
import { paymentErrors } from './payment.errors.js';
import type { GatewayOutcome } from './payment-gateway.js';
import { TrackedMap } from './tracked-map.js';

/**
 * What was asked of the gateway for one payment: at most one operation of a kind is open, but for refunds. It knows
 * what became of each, and not what that means for the money.
 */
export class OperationBook {
  private readonly operations: TrackedMap<Operation>;

  constructor(loaded: readonly Operation[]) {
    this.operations = new TrackedMap(loaded.map((operation) => [operation.id, operation]));
  }

  get changed(): ReadonlyMap<string, Operation> {
    return this.operations.changed;
  }

  get open(): Operation[] {
    return this.operations.values().filter(isOpen);
  }

  /** @throws DomainError payment_operation_open */
  add(
    kind: OperationKind,
    id: string,
    amount: number,
    details: { readonly method?: string; readonly refundId?: string } = {},
  ): void {
    if (kind !== 'refund') this.requireNoneOpen(kind);
    this.set({
      id,
      kind,
      status: 'created',
      amount,
      method: details.method ?? null,
      refundId: details.refundId ?? null,
      declineCode: null,
      gatewayId: null,
      needsAttention: false,
      resolvedBy: null,
      resolutionReason: null,
    });
  }

  /** @throws DomainError payment_operation_open */
  requireNoneOpen(...kinds: readonly OperationKind[]): void {
    const found = kinds.find((kind) => this.open.some((operation) => operation.kind === kind));
    if (found !== undefined) {
      throw new DomainError(paymentErrors.payment_operation_open, { detail: `A ${found} is still open.` });
    }
  }

  /** @throws DomainError operation_not_found */
  require(operationId: string): Operation {
    const operation = this.operations.get(operationId);
    if (!operation) throw new DomainError(paymentErrors.operation_not_found);
    return operation;
  }

  /** The operation, while nobody knows what became of it. */
  findOpen(operationId: string): Operation | undefined {
    const operation = this.operations.get(operationId);
    return operation && isOpen(operation) ? operation : undefined;
  }

  /** Writes down what the gateway is certain about. */
  resolve(operation: Operation, outcome: GatewayOutcome): void {
    this.set({
      ...operation,
      status: nextOperationStatus(operation.kind, operation.status, resultOf(outcome)),
      gatewayId: 'gatewayId' in outcome ? (outcome.gatewayId ?? null) : null,
      declineCode: 'declineCode' in outcome ? outcome.declineCode : null,
      needsAttention: false,
    });
  }

  /** What had succeeded has failed after all. */
  reverse(operation: Operation, outcome: GatewayOutcome): void {
    this.set({
      ...operation,
      status: nextOperationStatus(operation.kind, operation.status, 'failed'),
      declineCode: 'declineCode' in outcome ? outcome.declineCode : null,
    });
  }

  /** @returns whether that was new: the operation was sent, and something was known of it */
  markUnknown(operationId: string): boolean {
    const operation = this.operations.get(operationId);
    if (operation?.status !== 'sent') return false;
    this.set({ ...operation, status: nextOperationStatus(operation.kind, 'sent', 'unknown') });
    return true;
  }

  /** @returns whether that was new */
  requireAttention(operationId: string): boolean {
    const operation = this.findOpen(operationId);
    if (!operation || operation.needsAttention) return false;
    this.set({ ...operation, needsAttention: true });
    return true;
  }

  /**
   * Notes who of the staff has decided about an operation that waits for that, and why.
   *
   * @throws DomainError operation_not_found, operation_not_stuck
   */
  noteDecision(operationId: string, by: string, reason: string): void {
    const operation = this.require(operationId);
    if (!isOpen(operation) || !operation.needsAttention) {
      throw new DomainError(paymentErrors.operation_not_stuck, {
        extensions: { operationStatus: operation.status },
      });
    }
    this.set({ ...operation, resolvedBy: by, resolutionReason: reason });
  }

  private set(operation: Operation): void {
    this.operations.set(operation.id, operation);
  }
}

/** A bank that wants to see the shopper has declined this attempt. */
export function resultOf({ result }: GatewayOutcome): 'succeeded' | 'declined' | 'failed' {
  return result === 'requires_action' ? 'declined' : result;
}
