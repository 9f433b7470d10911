import { Injectable } from '@nestjs/common';
import type { Money } from '#kernel';
import { PrepareOrder, type RequestedLine } from './prepare-order.js';

export interface QuoteView {
  lines: {
    productId: string;
    sku: string;
    name: string;
    quantity: number;
    unitPrice: Money;
    total: Money;
    available: number;
  }[];
  subtotal: Money;
  shipping: Money;
  tax: Money;
  total: Money;
  /** Whether the stock covers every line now. */
  inStock: boolean;
}

/** What an order would cost, and whether there is stock for it. Nothing is changed. */
@Injectable()
export class QuoteOrder {
  constructor(private readonly prepareOrder: PrepareOrder) {}

  async execute(requested: readonly RequestedLine[], expectedTotal: Money | undefined): Promise<QuoteView> {
    const { lines, priced } = await this.prepareOrder.execute(requested, expectedTotal);
    const wanted = new Map<string, number>();
    for (const { product, quantity } of lines) {
      wanted.set(product.productId, (wanted.get(product.productId) ?? 0) + quantity);
    }
    return {
      lines: lines.map(({ product, quantity, total }) => ({ ...product, quantity, total })),
      subtotal: priced.subtotal,
      shipping: priced.shipping,
      tax: priced.tax,
      total: priced.total,
      inStock: lines.every(({ product }) => (wanted.get(product.productId) ?? 0) <= product.available),
    };
  }
}
