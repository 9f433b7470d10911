import { Body, Controller, Get, Headers, Param, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { cursorErrors, DomainError } from '#kernel';
import { Endpoint, IdempotencyKey, idParamSchema, type Page } from '#platform/http';
import { securityErrors } from '#platform/security';
import type { FastifyReply } from 'fastify';
import { orderProblems } from './order-problems.js';
import { CancelOrder } from '../application/cancel-order.js';
import { CLAIM_ORDERS_ERRORS, type ClaimResult, ClaimOrders } from '../application/claim-orders.js';
import { FindOrders, type TimelineView } from '../application/find-orders.js';
import { OrderAccess } from '../application/order-access.js';
import type { OrderView } from '../application/order-view.js';
import { PAY_ORDER_ERRORS, PayOrder } from '../application/pay-order.js';
import { PLACE_ORDER_ERRORS, PlaceOrder } from '../application/place-order.js';
import { PREPARE_ORDER_ERRORS } from '../application/prepare-order.js';
import { QuoteOrder, type QuoteView } from '../application/quote-order.js';
import {
  TRANSFER_ORDERS_ERRORS,
  type TransferResult,
  TransferOrders,
} from '../application/transfer-orders.js';
import { orderErrors } from '../domain/order.errors.js';
import { AcceptsOrderToken, ORDER_TOKEN_HEADER } from './order-token.js';
import {
  cancelOrderRequest,
  claimOrdersRequest,
  claimResultView,
  type CancelOrderRequest,
  orderPageView,
  orderQuery,
  type OrderQuery,
  orderView,
  payOrderRequest,
  type PayOrderRequest,
  placeOrderRequest,
  type PlaceOrderRequest,
  quoteRequest,
  type QuoteRequest,
  quoteView,
  timelineView,
  transferOrdersRequest,
  type TransferOrdersRequest,
  transferResultView,
} from './orders.schema.js';

@ApiTags('Orders')
@Controller('orders')
export class OrdersController {
  constructor(
    private readonly placeOrder: PlaceOrder,
    private readonly quoteOrder: QuoteOrder,
    private readonly payOrder: PayOrder,
    private readonly cancelOrder: CancelOrder,
    private readonly claimOrders: ClaimOrders,
    private readonly transferOrders: TransferOrders,
    private readonly findOrders: FindOrders,
    private readonly access: OrderAccess,
  ) {}

  @Post()
  @Endpoint({
    summary: 'Place an order',
    description:
      'Reserves the stock and asks for the payment. 201: the order is confirmed. 202: the outcome of the payment is ' +
      'not known yet; ask for the order later. 402: the payment was declined; the order waits, with its stock, for ' +
      'another attempt. Without a token an `email` makes it a guest’s order, and the answer holds its `orderToken`.',
    access: 'orders:place',
    idempotencyKey: 'required',
    responses: { 201: orderView, 202: orderView },
    errors: PLACE_ORDER_ERRORS,
    problemMembers: orderProblems,
  })
  async place(
    @Body({ schema: placeOrderRequest }) body: PlaceOrderRequest,
    @IdempotencyKey() key: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderView> {
    const order = await this.placeOrder.execute(body, key);
    return this.answer(order, reply, order.customerId === null);
  }

  @Post('quote')
  @Endpoint({
    summary: 'Price an order without placing it',
    access: 'orders:place',
    responses: { 200: quoteView },
    errors: PREPARE_ORDER_ERRORS,
    problemMembers: orderProblems,
  })
  quote(@Body({ schema: quoteRequest }) { lines, expectedTotal }: QuoteRequest): Promise<QuoteView> {
    return this.quoteOrder.execute(lines, expectedTotal);
  }

  @Get()
  @Endpoint({
    summary: 'List orders',
    description: 'Customers see their own; staff see all.',
    access: 'orders:list',
    responses: { 200: orderPageView },
    errors: [cursorErrors.invalid_cursor],
  })
  listOrders(
    @Query({ schema: orderQuery }) { limit, cursor, ...filters }: OrderQuery,
  ): Promise<Page<OrderView>> {
    const customerId = this.access.listOf(filters.customerId);
    return this.findOrders.list({ ...filters, customerId }, { limit, cursor });
  }

  @Post('claim')
  @Endpoint({
    summary: 'Claim my earlier guest orders',
    description:
      'Those that were placed without an account, with the e-mail address of the account. It has to be confirmed: ' +
      'else whoever registers with a stranger’s address would see what the stranger bought.',
    access: 'orders:claim',
    idempotencyKey: 'required',
    responses: { 200: claimResultView },
    errors: CLAIM_ORDERS_ERRORS,
    problemMembers: orderProblems,
  })
  async claim(
    @Body({ schema: claimOrdersRequest }) _body: object,
    @IdempotencyKey() key: string,
  ): Promise<ClaimResult> {
    return this.claimOrders.execute(key);
  }

  @Post('transfer')
  @Endpoint({
    summary: 'Move orders to another account',
    description:
      'Of somebody who has two accounts, or who ordered in the wrong one. All of the orders move, or none; the new ' +
      'owner sees them from then on, with their own e-mail address on them, and the old one does not.',
    access: 'orders:transfer',
    idempotencyKey: 'required',
    responses: { 200: transferResultView },
    errors: TRANSFER_ORDERS_ERRORS,
    problemMembers: orderProblems,
  })
  transfer(
    @Body({ schema: transferOrdersRequest }) body: TransferOrdersRequest,
    @IdempotencyKey() key: string,
  ): Promise<TransferResult> {
    return this.transferOrders.execute(body, key);
  }

  @Get(':id')
  @AcceptsOrderToken()
  @Endpoint({
    summary: 'Get an order',
    access: 'orders:read',
    responses: { 200: orderView },
    errors: [orderErrors.order_not_found, securityErrors.authentication_required],
  })
  async getOrder(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Headers(ORDER_TOKEN_HEADER) orderToken?: string,
  ): Promise<OrderView> {
    await this.access.require(id, orderToken, 'orders:read');
    return this.findOrders.get(id);
  }

  @Get(':id/timeline')
  @AcceptsOrderToken()
  @Endpoint({
    summary: 'Get the timeline of an order',
    description:
      'Why staff moved, canceled or closed it is for those who see every order; for others that `reason` is null.',
    access: 'orders:read',
    responses: { 200: timelineView },
    errors: [orderErrors.order_not_found, securityErrors.authentication_required],
  })
  async getOrderTimeline(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Headers(ORDER_TOKEN_HEADER) orderToken?: string,
  ): Promise<{ data: TimelineView[] }> {
    await this.access.require(id, orderToken, 'orders:read');
    return { data: await this.findOrders.timeline(id, this.access.readerOfOwn('orders:read')) };
  }

  @Post(':id/payments')
  @AcceptsOrderToken()
  @Endpoint({
    summary: 'Try to pay an order again',
    description: 'After a decline, until the order expires. The answers are those of placing it.',
    access: 'orders:pay',
    idempotencyKey: 'required',
    responses: { 201: orderView, 202: orderView },
    errors: [securityErrors.authentication_required, ...PAY_ORDER_ERRORS],
    problemMembers: orderProblems,
  })
  async pay(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Body({ schema: payOrderRequest }) { method }: PayOrderRequest,
    @IdempotencyKey() key: string,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers(ORDER_TOKEN_HEADER) orderToken?: string,
  ): Promise<OrderView> {
    const holdsToken = await this.access.require(id, orderToken, 'orders:pay');
    // Only whoever has the token already: staff and keys that may pay get no more by it than that.
    return this.answer(await this.payOrder.attempt(id, method, key), reply, holdsToken);
  }

  @Post(':id/cancel')
  @AcceptsOrderToken()
  @Endpoint({
    summary: 'Cancel an order',
    description:
      'Before anything has left the house. What was authorized is voided, what was captured is refunded. 202 while ' +
      'that is not certain yet; the stock comes back when it is.',
    access: 'orders:cancel',
    idempotencyKey: 'required',
    responses: { 200: orderView, 202: orderView },
    errors: [
      orderErrors.order_not_found,
      securityErrors.authentication_required,
      orderErrors.order_state_conflict,
    ],
    problemMembers: orderProblems,
  })
  async cancel(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Body({ schema: cancelOrderRequest }) { reason }: CancelOrderRequest,
    @IdempotencyKey() key: string,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers(ORDER_TOKEN_HEADER) orderToken?: string,
  ): Promise<OrderView> {
    await this.access.require(id, orderToken, 'orders:cancel');
    const order = await this.cancelOrder.execute(id, reason, key);
    if (order.status !== 'canceled') void reply.status(202);
    return order;
  }

  /** A paid order is 201, one whose payment is not certain 202, and one that was not paid the error that says so. */
  private answer(order: OrderView, reply: FastifyReply, showsToken: boolean): OrderView {
    const view =
      showsToken && order.customerId === null
        ? { ...order, orderToken: this.access.tokenFor(order.id) }
        : order;
    switch (order.payment.status) {
      case 'processing':
        void reply.status(202);
        return view;
      case 'requires_payment_method':
        throw new DomainError(orderErrors.payment_declined, { extensions: { order: view } });
      case 'requires_action':
        throw new DomainError(orderErrors.payment_action_required, { extensions: { order: view } });
      default:
        return view;
    }
  }
}
