import { Body, Controller, Get, Headers, Param, Post, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, IdempotencyKey, idParamSchema } from '#platform/http';
import { securityErrors } from '#platform/security';
import type { FastifyReply } from 'fastify';
import { orderProblems } from './order-problems.js';
import { CLOSE_ORDER_ERRORS, CloseOrder } from '../application/close-order.js';
import { FindParcels } from '../application/find-parcels.js';
import { FULFIL_ORDER_ERRORS, FulfilOrder, type FulfillmentView } from '../application/fulfil-order.js';
import { OrderAccess } from '../application/order-access.js';
import type { OrderView } from '../application/order-view.js';
import { RETURN_ORDER_ERRORS, ReturnOrder, type ReturnView } from '../application/return-order.js';
import { orderErrors } from '../domain/order.errors.js';
import { AcceptsOrderToken, ORDER_TOKEN_HEADER } from './order-token.js';
import { closeOrderRequest, type CloseOrderRequest, orderView } from './orders.schema.js';
import {
  fulfillmentListView,
  fulfillmentView,
  fulfilOrderRequest,
  type FulfilOrderRequest,
  returnListView,
  returnOrderRequest,
  type ReturnOrderRequest,
  returnView,
} from './parcels.schema.js';

/** What leaves the house of an order, what never will, and what comes back. */
@ApiTags('Orders')
@Controller('orders')
export class ParcelsController {
  constructor(
    private readonly fulfilOrder: FulfilOrder,
    private readonly closeOrder: CloseOrder,
    private readonly returnOrder: ReturnOrder,
    private readonly findParcels: FindParcels,
    private readonly access: OrderAccess,
  ) {}

  @Post(':id/fulfillments')
  @Endpoint({
    summary: 'Fulfil an order',
    description:
      'Pieces of lines leave the house. Captures their share where the order captures on fulfilment.',
    access: 'orders:fulfil',
    idempotencyKey: 'required',
    responses: { 201: fulfillmentView },
    errors: FULFIL_ORDER_ERRORS,
    problemMembers: orderProblems,
  })
  fulfil(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Body({ schema: fulfilOrderRequest }) body: FulfilOrderRequest,
    @IdempotencyKey() key: string,
  ): Promise<FulfillmentView> {
    return this.fulfilOrder.execute(id, body, key);
  }

  @Get(':id/fulfillments')
  @AcceptsOrderToken()
  @Endpoint({
    summary: 'List what left the house of an order',
    access: 'orders:read',
    responses: { 200: fulfillmentListView },
    errors: [orderErrors.order_not_found, securityErrors.authentication_required],
  })
  async listFulfillments(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Headers(ORDER_TOKEN_HEADER) orderToken?: string,
  ): Promise<{ data: FulfillmentView[] }> {
    await this.access.require(id, orderToken, 'orders:read');
    return { data: await this.findParcels.fulfillments(id) };
  }

  @Post(':id/close')
  @Endpoint({
    summary: 'Close the rest of an order',
    description:
      'Of a partially fulfilled order: what has not left will not leave. Its pieces are back in stock at once, and the ' +
      'order is `fulfilled`. What pays for them is voided as far as it is only authorized, after a capture of what has ' +
      'left, and refunded as far as it was captured; what was given back already, beyond the worth of what came back, ' +
      'counts. 202 while the gateway has not done that, or has refused it: close again to ask again.',
    access: 'orders:close',
    idempotencyKey: 'required',
    responses: { 200: orderView, 202: orderView },
    errors: CLOSE_ORDER_ERRORS,
    problemMembers: orderProblems,
  })
  async close(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Body({ schema: closeOrderRequest }) { reason }: CloseOrderRequest,
    @IdempotencyKey() key: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderView> {
    const { order, isSettled } = await this.closeOrder.execute(id, reason, key);
    if (!isSettled) void reply.status(202);
    return order;
  }

  @Post(':id/returns')
  @Endpoint({
    summary: 'Take back pieces of an order',
    description:
      'Pieces that had left the house came back. Those that are restocked can be sold again at once; the others are ' +
      'noted, and change no stock. No money moves: give back what is due with a refund of the order’s payment.',
    access: 'orders:fulfil',
    idempotencyKey: 'required',
    responses: { 201: returnView },
    errors: RETURN_ORDER_ERRORS,
    problemMembers: orderProblems,
  })
  returnPieces(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Body({ schema: returnOrderRequest }) body: ReturnOrderRequest,
    @IdempotencyKey() key: string,
  ): Promise<ReturnView> {
    return this.returnOrder.execute(id, body, key);
  }

  @Get(':id/returns')
  @AcceptsOrderToken()
  @Endpoint({
    summary: 'List what came back of an order',
    access: 'orders:read',
    responses: { 200: returnListView },
    errors: [orderErrors.order_not_found, securityErrors.authentication_required],
  })
  async listReturns(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Headers(ORDER_TOKEN_HEADER) orderToken?: string,
  ): Promise<{ data: ReturnView[] }> {
    await this.access.require(id, orderToken, 'orders:read');
    return { data: await this.findParcels.returns(id) };
  }
}
