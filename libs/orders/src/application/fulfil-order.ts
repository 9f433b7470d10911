import { Injectable } from '@nestjs/common';
import { actorReference, Clock, type ErrorDefinition, newId } from '#kernel';
import { CatalogFacade } from '#catalog';
import { paymentErrors, PaymentsFacade } from '#payments';
import { currentActor } from '#platform/context';
import { Idempotency } from '#platform/idempotency';
import { invariantErrors } from '#platform/invariants';
import type { LinePieces } from '../domain/order.js';
import { orderErrors } from '../domain/order.errors.js';
import { type Fulfillment, OrderRepository } from '../domain/order.repository.js';

/** What a fulfilment can be refused for. */
export const FULFIL_ORDER_ERRORS: readonly ErrorDefinition[] = [
  orderErrors.order_not_found,
  orderErrors.order_state_conflict,
  orderErrors.unknown_order_line,
  orderErrors.quantity_exceeds_open,
  paymentErrors.payment_operation_open,
  paymentErrors.payment_does_not_cover,
  invariantErrors.captures_frozen,
];

export interface FulfilCommand {
  readonly lines: readonly LinePieces[];
  readonly trackingNumber?: string | undefined;
  readonly carrier?: string | undefined;
}

export interface FulfillmentView {
  id: string;
  orderId: string;
  lines: { lineId: string; quantity: number }[];
  trackingNumber: string | null;
  carrier: string | null;
  createdAt: string;
}

/** Sends goods out: stock leaves, and the money for them is taken where the order captures on fulfilment. */
@Injectable()
export class FulfilOrder {
  constructor(
    private readonly orders: OrderRepository,
    private readonly payments: PaymentsFacade,
    private readonly catalog: CatalogFacade,
    private readonly idempotency: Idempotency,
    private readonly clock: Clock,
  ) {}

  async execute(orderId: string, command: FulfilCommand, key: string): Promise<FulfillmentView> {
    const principal = actorReference(currentActor());
    const call = { principal, operation: 'orders.fulfil', key, payload: { orderId, ...command } };
    const fulfillment: Fulfillment = {
      id: newId(),
      orderId,
      lines: command.lines,
      trackingNumber: command.trackingNumber ?? null,
      carrier: command.carrier ?? null,
      createdAt: this.clock.now(),
    };
    let captureId: string | undefined;
    const view = await this.idempotency.once(call, async () => {
      captureId = await this.sendOut(fulfillment);
      return toFulfillmentView(fulfillment);
    });
    // The goods have left: if this does not come to an end here, the worker brings it to one.
    if (captureId !== undefined) await this.payments.run(captureId);
    return view;
  }

  private async sendOut(fulfillment: Fulfillment): Promise<string | undefined> {
    const { orderId, lines, createdAt } = fulfillment;
    const { paymentId, fulfilledMinor, pieces } = await this.orders.update(orderId, (order) => {
      order.fulfil(lines, createdAt);
      const { fulfilledMinor, state } = order;
      return { fulfilledMinor, paymentId: state.payment.id, pieces: order.productsOf(lines) };
    });
    await this.orders.addFulfillment(fulfillment);
    const captureId = await this.payments.backFulfillment(paymentId, fulfilledMinor);
    await this.catalog.ship(orderId, pieces);
    return captureId;
  }
}

export function toFulfillmentView({ createdAt, lines, ...fulfillment }: Fulfillment): FulfillmentView {
  return { ...fulfillment, lines: lines.map((line) => ({ ...line })), createdAt: createdAt.toISOString() };
}
