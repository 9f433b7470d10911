import { deterministicUuidV7 } from '#kernel';
import { deterministicSecret } from './deterministic-secret.js';
import type { PlannedCustomer } from './replay-plan.js';

/** Customers are the same ones in every file of this dataset. */
const DATASET = 'online-retail';

/** Nothing in the content dates a customer, so that the id of one bears the dataset's first day. */
const DATASET_BEGIN_MS = Date.UTC(2010, 11, 1);

/** An id and the idempotency key of the request that creates what bears it. */
export interface ReplayName {
  readonly id: string;
  readonly idempotencyKey: string;
}

/**
 * Names everything that a replay creates. What happens (orders, refunds, receipts) is named after the file's
 * digest, so that two files never mistake each other's invoices; customers are named after the dataset, so that a
 * second file finds them again. Products need no name of ours: their SKU is one.
 */
export class ReplayNames {
  private readonly keyPrefix: string;
  private readonly namespace: string;

  /** @param digest SHA-256 of the file in hexadecimal */
  constructor(digest: string) {
    this.keyPrefix = `replay:${digest.slice(0, 8)}`;
    this.namespace = `${DATASET}:${digest}`;
  }

  /** The idempotency key under which a product's stock is received. */
  receiptKey(stockCode: string, unitPriceMinor: number): string {
    return this.key(`receipt:${encodeURIComponent(stockCode)}@${unitPriceMinor}`);
  }

  /** @param customerNo the number in the file */
  customer(customerNo: string): PlannedCustomer {
    const name = `customer:${customerNo}`;
    return {
      id: deterministicUuidV7(DATASET, name, DATASET_BEGIN_MS),
      customerNo,
      email: `customer-${customerNo}@${DATASET}.example`,
      // Not the name of the id: the id is public, and its random part is a piece of that name's digest.
      password: `replay-${deterministicSecret(DATASET, `password:${customerNo}`)}`,
      name: `Customer ${customerNo}`,
      idempotencyKey: this.key(name),
    };
  }

  /** @param part 1 for the first order that an invoice becomes */
  order(invoiceNo: string, part: number, invoicedAt: string): ReplayName {
    return this.dated(`order:${invoiceNo}/${part}`, invoicedAt);
  }

  /** @param firstRowNumber the first row behind the refund; together with the order it tells all refunds apart */
  refund(invoiceNo: string, invoicedAt: string, orderId: string, firstRowNumber: number): ReplayName {
    return this.dated(`refund:${invoiceNo}:${firstRowNumber}:${orderId}`, invoicedAt);
  }

  guestEmail(invoiceNo: string): string {
    return `guest-${invoiceNo}@${DATASET}.example`;
  }

  /** What order metadata says about the replay that it comes from. */
  get label(): string {
    return this.keyPrefix;
  }

  private dated(name: string, invoicedAt: string): ReplayName {
    const id = deterministicUuidV7(this.namespace, name, Date.parse(invoicedAt));
    return { id, idempotencyKey: this.key(name) };
  }

  private key(name: string): string {
    return `${this.keyPrefix}:${name}`;
  }
}
