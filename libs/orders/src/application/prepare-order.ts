import { Injectable } from '@nestjs/common';
import { DomainError, equals, type ErrorDefinition, type FieldError, type Money, moneyErrors } from '#kernel';
import { CatalogFacade, type ProductForSale } from '#catalog';
import { Config } from '#platform/config';
import { orderErrors } from '../domain/order.errors.js';
import { type PricedLine, type PricedOrder, priceOrder } from '../domain/pricing.js';

/** What an order, or a quote, can be refused for before anything is reserved. */
export const PREPARE_ORDER_ERRORS: readonly ErrorDefinition[] = [
  orderErrors.unknown_product,
  orderErrors.mixed_currencies,
  orderErrors.price_changed,
  moneyErrors.amount_out_of_range,
];

/** A line as it is asked for: one product, by id or by sku. */
export interface RequestedLine {
  readonly productId?: string | undefined;
  readonly sku?: string | undefined;
  readonly quantity: number;
}

export interface PreparedLine extends PricedLine {
  readonly product: ProductForSale;
  readonly quantity: number;
}

export interface PreparedOrder {
  readonly lines: readonly PreparedLine[];
  readonly priced: PricedOrder;
}

/** Looks up and prices what somebody wants to order: the common part of a quote and of an order. */
@Injectable()
export class PrepareOrder {
  constructor(
    private readonly catalog: CatalogFacade,
    private readonly config: Config,
  ) {}

  /** @throws DomainError unknown_product, mixed_currencies, amount_out_of_range, price_changed */
  async execute(
    requested: readonly RequestedLine[],
    expectedTotal: Money | undefined,
  ): Promise<PreparedOrder> {
    const products = await this.catalog.findSellable(requested);
    const errors: FieldError[] = [];
    const found: Omit<PreparedLine, keyof PricedLine>[] = [];
    requested.forEach(({ quantity, productId }, index) => {
      const product = products[index];
      if (product) found.push({ product, quantity });
      else {
        const pointer = `/lines/${index}/${productId === undefined ? 'sku' : 'productId'}`;
        errors.push({ pointer, code: 'unknown_product', detail: 'No product for sale has this name.' });
      }
    });
    if (errors.length > 0) throw new DomainError(orderErrors.unknown_product, { errors });
    const { ORDER_SHIPPING_FLAT_MINOR, ORDER_TAX_BASIS_POINTS } = this.config.settings;
    const priced = priceOrder(
      found.map(({ product, quantity }) => ({ unitPrice: product.unitPrice, quantity })),
      { shippingFlatMinor: ORDER_SHIPPING_FLAT_MINOR, taxBasisPoints: ORDER_TAX_BASIS_POINTS },
    );
    if (expectedTotal && !equals(expectedTotal, priced.total)) {
      throw new DomainError(orderErrors.price_changed, {
        extensions: { expectedTotal, total: priced.total },
      });
    }
    const lines = priced.lines.map((line, index) => {
      const wanted = found[index];
      if (!wanted) throw new Error('More lines were priced than were asked for.');
      return { ...wanted, ...line };
    });
    return { lines, priced };
  }
}
