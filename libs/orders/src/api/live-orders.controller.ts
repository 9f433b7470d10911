import { Controller, Get, Headers, Param, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiTags } from '@nestjs/swagger';
import { Endpoint, EventStreams, httpErrors, idParamSchema, validationFailed } from '#platform/http';
import { securityErrors } from '#platform/security';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FindOrders } from '../application/find-orders.js';
import { OrderAccess } from '../application/order-access.js';
import { WatchOrder } from '../application/watch-order.js';
import { orderErrors } from '../domain/order.errors.js';
import {
  lastEventIdHeader,
  liveOrderQuery,
  type LiveOrderQuery,
  orderChangeStream,
} from './live-orders.schema.js';
import { AcceptsOrderToken, ORDER_TOKEN_HEADER } from './order-token.js';

@ApiTags('Orders')
@Controller('orders')
export class LiveOrdersController {
  constructor(
    private readonly access: OrderAccess,
    private readonly findOrders: FindOrders,
    private readonly watchOrder: WatchOrder,
    private readonly streams: EventStreams,
  ) {}

  @Get(':id/events')
  @AcceptsOrderToken()
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'The `id` of the last message that was seen: what came after it comes now.',
  })
  @Endpoint({
    summary: 'Watch an order',
    description:
      'Changes of the order as server-sent events, as they happen, beginning with those that have happened; with ' +
      '`Last-Event-ID` or `lastEventId`, with the first after it. Nothing is left out and nothing comes twice; a version that the order has ' +
      'not reached, as after a restore of the database, begins anew. The stream ends when the server is about to stop, ' +
      'when the token of the caller expires, at the latest after the life of an access token, when a guest’s order ' +
      'goes to an account or an account’s to another, and when more waits for the reader than 64 KiB, as in a long ' +
      'history: come back after `retry` milliseconds, as every EventSource does by itself. Changes are kept for 30 ' +
      'days, unless `EVENTS_RETENTION_DAYS` says otherwise.',
    access: 'orders:read',
    mediaType: 'text/event-stream',
    responses: { 200: orderChangeStream },
    errors: [
      orderErrors.order_not_found,
      securityErrors.authentication_required,
      httpErrors.too_many_event_streams,
    ],
  })
  async watch(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Query({ schema: liveOrderQuery }) { lastEventId, orderToken }: LiveOrderQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Headers(ORDER_TOKEN_HEADER) tokenInHeader?: string,
  ): Promise<void> {
    const seen = lastSeen(request) ?? lastEventId ?? 0;
    // Before the access is judged, so that a change of the owner in between is not overlooked.
    const standing = await this.findOrders.standingOf(id);
    const isByToken = await this.access.require(id, tokenInHeader ?? orderToken, 'orders:read');
    const isOwn = isByToken || this.access.readerOfOwn('orders:read') !== undefined;
    const stream = this.streams.reserve(request, reply);
    const stop = await this.watchOrder.execute(id, {
      seen,
      ownSince: isOwn ? standing : undefined,
      tell: (change) => stream.send({ id: String(change.version), data: change }),
      lose: () => stream.end(),
    });
    stream.onClose(stop);
    this.streams.start(stream, request, reply);
  }
}

/** @throws DomainError validation_failed */
function lastSeen({ headers }: FastifyRequest): number | undefined {
  const parsed = lastEventIdHeader.safeParse(headers);
  if (!parsed.success) throw validationFailed(parsed.error.issues, 'header:');
  return headers['last-event-id'] === '' ? undefined : parsed.data['last-event-id'];
}
