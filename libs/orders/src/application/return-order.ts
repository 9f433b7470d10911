import { Injectable } from '@nestjs/common';
import { actorReference, Clock, type ErrorDefinition, newId } from '#kernel';
import { catalogErrors, CatalogFacade } from '#catalog';
import { currentActor } from '#platform/context';
import { Idempotency } from '#platform/idempotency';
import { orderErrors } from '../domain/order.errors.js';
import { OrderRepository, type OrderReturn, type ReturnedPieces } from '../domain/order.repository.js';

/** What a return can be refused for. */
export const RETURN_ORDER_ERRORS: readonly ErrorDefinition[] = [
  orderErrors.order_not_found,
  orderErrors.order_state_conflict,
  orderErrors.unknown_order_line,
  orderErrors.quantity_exceeds_fulfilled,
  orderErrors.return_exists,
  catalogErrors.stock_limit_exceeded,
];

export interface ReturnCommand {
  readonly id?: string | undefined;
  readonly lines: readonly ReturnedPieces[];
  readonly reason?: string | undefined;
}

export interface ReturnView {
  id: string;
  orderId: string;
  lines: { lineId: string; quantity: number; restock: boolean }[];
  reason: string | null;
  createdAt: string;
}

/** Staff take goods back. Stock that can be sold again comes back with the record; no money moves. */
@Injectable()
export class ReturnOrder {
  constructor(
    private readonly orders: OrderRepository,
    private readonly catalog: CatalogFacade,
    private readonly idempotency: Idempotency,
    private readonly clock: Clock,
  ) {}

  async execute(orderId: string, command: ReturnCommand, key: string): Promise<ReturnView> {
    const principal = actorReference(currentActor());
    const call = { principal, operation: 'orders.return', key, payload: { orderId, ...command } };
    const { id = newId(), lines, reason = null } = command;
    const orderReturn: OrderReturn = { id, orderId, lines, reason, createdAt: this.clock.now() };
    return this.idempotency.once(call, async () => {
      await this.takeBack(orderReturn);
      return toReturnView(orderReturn);
    });
  }

  /** In the order of the locks: the order, then stock. */
  private async takeBack(orderReturn: OrderReturn): Promise<void> {
    const { orderId, lines, reason, createdAt } = orderReturn;
    const restocked = await this.orders.update(orderId, (order) => {
      order.takeBack(lines, reason, createdAt);
      return order.productsOf(lines.filter(({ restock }) => restock));
    });
    await this.orders.addReturn(orderReturn);
    if (restocked.length > 0) await this.catalog.returnToStock(orderId, restocked);
  }
}

export function toReturnView({ createdAt, lines, ...orderReturn }: OrderReturn): ReturnView {
  return { ...orderReturn, lines: lines.map((line) => ({ ...line })), createdAt: createdAt.toISOString() };
}
