import type { OperationKind } from './operation.js';
import type { Payment } from './payment.js';

/** An operation that somebody holds the lease of, with all that the gateway has to be told. */
export interface ClaimedOperation {
  readonly id: string;
  readonly kind: OperationKind;
  readonly amount: number;
  readonly method: string | null;
  readonly paymentId: string;
  readonly orderId: string;
  readonly currency: string;
  readonly captureMode: string;
  /** The gateway that has the payment. */
  readonly gateway: string;
  readonly gatewayPaymentId: string | null;
  /** Rises with every claim: whoever holds a smaller one has lost the lease. */
  readonly fence: number;
  readonly attempts: number;
  /** Milliseconds since it was first sent; null when this is the first time. */
  readonly sentForMs: number | null;
}

/** Where an operation belongs. */
export interface OperationPlace {
  readonly paymentId: string;
  readonly orderId: string;
}

/** Where payments are kept. */
export abstract class PaymentRepository {
  /** Stores a new payment in the running transaction. */
  abstract add(payment: Payment): Promise<void>;

  /**
   * Loads a payment under the lock of its order, lets `change` change it, and saves it with its events and postings.
   *
   * @param options.orderId the order of the payment where the caller knows it, which saves looking it up
   * @param options.withLines loads the allocations of the lines too; needed to refund
   * @param options.withOperation loads this operation, and its refund, even where it is resolved
   * @param options.withDispute loads the dispute that the gateway calls so
   * @throws DomainError payment_not_found
   */
  abstract update<T>(
    paymentId: string,
    change: (payment: Payment) => T | Promise<T>,
    options?: {
      orderId?: string;
      withLines?: boolean;
      withOperation?: string;
      withDispute?: string;
    },
  ): Promise<T>;

  /** Undefined when there is no such operation. */
  abstract placeOfOperation(operationId: string): Promise<OperationPlace | undefined>;

  /** The payment that the gateway calls so. */
  abstract placeAtGateway(gateway: string, gatewayPaymentId: string): Promise<OperationPlace | undefined>;

  /** The open operations of an order's payment, oldest first. */
  abstract openOperationsOfOrder(orderId: string): Promise<string[]>;

  /**
   * Takes the lease of an open operation, for `leaseMs`, and marks it sent. Undefined when it is resolved, or somebody
   * else works on it.
   */
  abstract claim(operationId: string, leaseMs: number): Promise<ClaimedOperation | undefined>;

  /** Whether the lease with this fence is still the newest, asked under the lock of the order. */
  abstract holdsLease(operation: ClaimedOperation): Promise<boolean>;

  /**
   * Ends the lease and has the worker look at the operation again after `retryAfterMs`.
   *
   * @param options.isUnsent it was never sent, this time neither
   */
  abstract release(
    operation: ClaimedOperation,
    retryAfterMs: number,
    options?: { readonly isUnsent: boolean },
  ): Promise<void>;

  /** Payments whose authorization has run out, while nothing is open on them, longest ago first. */
  abstract dueAuthorizations(now: Date, limit: number): Promise<OperationPlace[]>;

  /** Open operations that nobody works on, that need no staff, and whose next attempt is due, oldest first. */
  abstract dueOperations(limit: number): Promise<string[]>;
}
