import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { EventFeed, type IntegrationEvent, LiveEvents } from '#platform/messaging';
import { orderErrors } from '../domain/order.errors.js';
import type { OrderEventData } from '../orders.events.js';
import { FindOrders } from './find-orders.js';

const BATCH_SIZE = 100;

/** A change of an order, as whoever watches it is told. */
export interface OrderChangeView {
  /** The version of the order after it; counts from 1. */
  version: number;
  /** What happened, in the words of the timeline. */
  change: string;
  status: string;
  paymentStatus: string;
  occurredAt: string;
}

/** Tells of the changes of one order as they happen, in whichever process. */
@Injectable()
export class WatchOrder {
  constructor(
    private readonly feed: EventFeed,
    private readonly live: LiveEvents,
    private readonly findOrders: FindOrders,
  ) {}

  /**
   * Has `tell` called with each change after `version`, once and in order: at first with those that are kept, then
   * with each as it happens.
   *
   * @returns what ends it
   * @throws DomainError order_not_found
   */
  async execute(
    orderId: string,
    version: number,
    tell: (change: OrderChangeView) => void,
  ): Promise<() => void> {
    if ((await this.findOrders.customerOf(orderId)) === undefined) {
      throw new DomainError(orderErrors.order_not_found);
    }
    let told = version;
    /** What happens while we look up what has happened; undefined from then on. */
    let meanwhile: IntegrationEvent[] | undefined = [];
    const take = (event: IntegrationEvent) => {
      if (event.sequence <= told) return;
      told = event.sequence;
      tell(toView(event as IntegrationEvent<OrderEventData>));
    };
    const stop = await this.live.follow('order', orderId, (event) => {
      if (meanwhile) meanwhile.push(event);
      else take(event);
    });
    try {
      for (let count = BATCH_SIZE; count === BATCH_SIZE;) {
        const events = await this.feed.ofAggregate('order', orderId, told, BATCH_SIZE);
        events.forEach(take);
        count = events.length;
      }
    } catch (error) {
      stop();
      throw error;
    }
    const late = meanwhile;
    meanwhile = undefined;
    late.forEach(take);
    return stop;
  }
}

function toView({ type, sequence, occurredAt, data }: IntegrationEvent<OrderEventData>): OrderChangeView {
  const [, , change = ''] = type.split('.');
  return {
    version: sequence,
    change,
    status: data.status,
    paymentStatus: data.paymentStatus,
    occurredAt: occurredAt.toISOString(),
  };
}
