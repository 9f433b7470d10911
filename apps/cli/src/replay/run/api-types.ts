/** The parts of the API's answers that the replay reads, as the contract names them. */

export interface Money {
  readonly amount: number;
  readonly currency: string;
}

export interface Page<Row> {
  readonly data: readonly Row[];
  readonly nextCursor: string | null;
}

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

export interface ImportResult {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
}

export interface Product {
  readonly id: string;
  readonly sku: string;
}

export interface User {
  readonly id: string;
  readonly email: string;
}

/** A user; or, where addresses have to be confirmed first, that a mail was sent. */
export type Registered = User | { readonly status: string };

export interface Order {
  readonly id: string;
  readonly lines: readonly {
    readonly id: string;
    readonly sku: string;
    readonly quantity: number;
    readonly total: Money;
  }[];
  readonly total: Money;
  readonly payment: { readonly id: string; readonly status: string };
}

export interface Refund {
  readonly id: string;
  readonly status: 'pending' | 'succeeded' | 'failed';
  readonly amount: Money;
}

export interface Payment {
  readonly id: string;
  readonly refunds: readonly Refund[];
}

export interface LedgerTransaction {
  readonly kind: 'capture' | 'refund' | 'refund_reversal' | 'dispute' | 'dispute_reversal';
  readonly orderId: string;
  /** For a refund, the id of the refund. */
  readonly operationId: string | null;
  readonly postings: readonly { readonly account: string; readonly amount: Money }[];
}

export interface TrialBalance {
  /** Debits minus credits. */
  readonly accounts: readonly { readonly account: string; readonly balance: Money }[];
}
