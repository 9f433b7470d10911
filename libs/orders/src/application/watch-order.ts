import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { EventFeed, type IntegrationEvent, LiveEvents } from '#platform/messaging';
import { orderErrors } from '../domain/order.errors.js';
import type { OrderEventData } from '../orders.events.js';
import { FindOrders, type OrderStanding } from './find-orders.js';

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

/** Whoever watches an order. */
export interface OrderWatcher {
  /** The version that they have seen; 0 for none. */
  readonly seen: number;
  /** How the order stood before it was judged that they may watch it, where that is for it is theirs. */
  readonly ownSince?: OrderStanding | undefined;
  /** Returns whether they take more. */
  readonly tell: (change: OrderChangeView) => boolean;
  /** Called once the order is not theirs any more; nothing is told from then on. */
  readonly lose: () => void;
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
   * Has `watcher` told of each change after the one that they have seen, once and in order: at first of those that are
   * kept, then of each as it happens, until they take no more. Whoever has seen more than there is, as after a restore
   * of the database, begins anew.
   *
   * @returns what ends it
   * @throws DomainError order_not_found
   */
  async execute(orderId: string, watcher: OrderWatcher): Promise<() => void> {
    const standing = await this.findOrders.standingOf(orderId);
    if (!standing) throw new DomainError(orderErrors.order_not_found);
    const telling = new Telling(watcher, standing.version);
    /** What happens while we look up what has happened; undefined from then on. */
    let meanwhile: IntegrationEvent[] | undefined = [];
    const stop = await this.live.follow('order', orderId, (event) => {
      if (meanwhile) meanwhile.push(event);
      else telling.take(event);
    });
    try {
      for (let count = BATCH_SIZE; count === BATCH_SIZE && !telling.isOver;) {
        const events = await this.feed.ofAggregate('order', orderId, telling.told, BATCH_SIZE);
        events.forEach((event) => telling.take(event));
        count = events.length;
      }
    } catch (error) {
      stop();
      throw error;
    }
    const late = meanwhile;
    meanwhile = undefined;
    late.forEach((event) => telling.take(event));
    return stop;
  }
}

/** What one watcher has been told. */
class Telling {
  told: number;
  isOver = false;

  constructor(
    private readonly watcher: OrderWatcher,
    version: number,
  ) {
    this.told = watcher.seen > version ? 0 : watcher.seen;
  }

  take(event: IntegrationEvent): void {
    if (this.isOver || event.sequence <= this.told) return;
    const change = event as IntegrationEvent<OrderEventData>;
    if (this.isLostBy(change)) {
      this.isOver = true;
      this.watcher.lose();
      return;
    }
    this.told = event.sequence;
    this.isOver = !this.watcher.tell(toView(change));
  }

  /** Whether the order is somebody else's by this change. */
  private isLostBy({ sequence, data }: IntegrationEvent<OrderEventData>): boolean {
    const { ownSince } = this.watcher;
    return ownSince !== undefined && sequence > ownSince.version && data.customerId !== ownSince.customerId;
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
