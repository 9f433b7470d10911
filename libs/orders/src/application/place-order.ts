import { Injectable } from '@nestjs/common';
import {
  type Actor,
  actorReference,
  Clock,
  DomainError,
  type ErrorDefinition,
  type Money,
  newId,
} from '#kernel';
import { catalogErrors, CatalogFacade } from '#catalog';
import { type CaptureMode, paymentErrors, PaymentsFacade } from '#payments';
import { Config } from '#platform/config';
import { currentActor } from '#platform/context';
import { Idempotency } from '#platform/idempotency';
import { invariantErrors } from '#platform/invariants';
import { securityErrors } from '#platform/security';
import { UsersFacade } from '#users';
import { Order, type OrderLine, type ShippingAddress } from '../domain/order.js';
import { orderErrors } from '../domain/order.errors.js';
import { OrderRepository } from '../domain/order.repository.js';
import { guestPrincipal } from './guest-principal.js';
import type { OrderView } from './order-view.js';
import { PayOrder } from './pay-order.js';
import {
  PREPARE_ORDER_ERRORS,
  type PreparedOrder,
  PrepareOrder,
  type RequestedLine,
} from './prepare-order.js';

/** What placing an order can end in, other than an order. */
export const PLACE_ORDER_ERRORS: readonly ErrorDefinition[] = [
  ...PREPARE_ORDER_ERRORS,
  orderErrors.email_required,
  orderErrors.order_exists,
  orderErrors.payment_declined,
  orderErrors.payment_action_required,
  catalogErrors.insufficient_stock,
  paymentErrors.unknown_payment_method,
  invariantErrors.captures_frozen,
];

export interface PlaceOrderCommand {
  readonly id?: string | undefined;
  readonly lines: readonly RequestedLine[];
  readonly email?: string | undefined;
  readonly shippingAddress?: ShippingAddress | undefined;
  readonly expectedTotal?: Money | undefined;
  readonly payment: { readonly method: string; readonly capture: CaptureMode };
  readonly metadata: Readonly<Record<string, string>>;
}

interface Buyer {
  readonly customerId: string | null;
  readonly email: string;
  /** Whose idempotency keys these are. */
  readonly principal: string;
}

/**
 * Places an order. Prices, stock, order, payment, its first operation and the key commit together; then the gateway is
 * asked. Whatever dies in between, a retry with the same key, or the worker, carries on from what was committed.
 */
@Injectable()
export class PlaceOrder {
  constructor(
    private readonly orders: OrderRepository,
    private readonly prepareOrder: PrepareOrder,
    private readonly payOrder: PayOrder,
    private readonly catalog: CatalogFacade,
    private readonly payments: PaymentsFacade,
    private readonly users: UsersFacade,
    private readonly idempotency: Idempotency,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  async execute(command: PlaceOrderCommand, key: string): Promise<OrderView> {
    this.payments.requireKnownMethod(command.payment.method);
    const buyer = await this.buyer(currentActor(), command.email);
    const orderId = command.id ?? newId();
    const call = { principal: buyer.principal, operation: 'orders.place', key, payload: command };
    let authorizationId: string | undefined;
    return this.idempotency.resumable(call, orderId, {
      begin: async () => {
        const prepared = await this.prepareOrder.execute(command.lines, command.expectedTotal);
        authorizationId = await this.store(orderId, command, buyer, prepared);
      },
      complete: (id) => this.payOrder.complete(id, authorizationId),
    });
  }

  /** In the order of the locks: stock comes last, and nobody knows the new order and payment yet. */
  private async store(
    orderId: string,
    command: PlaceOrderCommand,
    buyer: Buyer,
    { lines, priced }: PreparedOrder,
  ): Promise<string | undefined> {
    const { currency, subtotal, shipping, tax, total } = priced;
    const placedAt = this.clock.now();
    const paymentId = newId();
    const orderLines = lines.map(({ product, quantity, total: lineTotal, allocated }): OrderLine => {
      const { productId, sku, name, unitPrice } = product;
      const line = { productId, sku, name, quantity, unitPrice, total: lineTotal, allocated };
      return {
        id: newId(),
        ...line,
        fulfilledQuantity: 0,
        canceledQuantity: 0,
        returnedQuantity: 0,
        refundedAmount: 0,
      };
    });
    const order = Order.place(
      {
        id: orderId,
        customerId: buyer.customerId,
        email: buyer.email,
        ...{ currency, subtotal, shipping, tax, total },
        paymentId,
        shippingAddress: command.shippingAddress ?? null,
        metadata: command.metadata,
        placedAt,
        expiresAt: new Date(placedAt.getTime() + this.config.settings.ORDER_PAYMENT_WINDOW_SECONDS * 1000),
      },
      orderLines,
    );
    await this.requireCustomer(buyer.customerId);
    await this.orders.add(order);
    await this.catalog.reserve(orderId, orderLines);
    return this.payments.open({
      paymentId,
      orderId,
      method: command.payment.method,
      captureMode: command.payment.capture,
      currency,
      total: { goods: subtotal.amount, shipping: shipping.amount, tax: tax.amount },
      lines: orderLines.map(({ id, allocated }) => ({ lineId: id, amount: allocated.amount })),
    });
  }

  /** Nobody stores the address of a person who is being erased at this moment. */
  private async requireCustomer(customerId: string | null): Promise<void> {
    if (customerId === null) return;
    if (!(await this.users.hold(customerId))) throw new DomainError(securityErrors.invalid_token);
  }

  private async buyer(actor: Actor, email: string | undefined): Promise<Buyer> {
    if (actor.kind === 'user') {
      const user = await this.users.get(actor.userId);
      if (!user) throw new DomainError(securityErrors.invalid_token);
      return { customerId: actor.userId, email: email ?? user.email, principal: actorReference(actor) };
    }
    if (email === undefined) {
      throw new DomainError(orderErrors.email_required, {
        errors: [{ pointer: '/email', code: 'required', detail: 'Without an account an email is needed.' }],
      });
    }
    // Nobody answers for a guest but their address. A machine is somebody, and its keys are its own: what it has placed
    // is not answered to whoever guesses them, nor what a guest has placed to the machine.
    const principal = actor.kind === 'anonymous' ? guestPrincipal(email) : actorReference(actor);
    return { customerId: null, email, principal };
  }
}
