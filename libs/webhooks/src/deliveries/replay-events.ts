import { Injectable } from '@nestjs/common';
import { Clock, DomainError } from '#kernel';
import { Database } from '#platform/database';
import { EventFeed, matchesAny, toCloudEvent } from '#platform/messaging';
import { WebhookEndpoints } from '../endpoints/endpoints.js';
import { webhooksErrors } from '../webhooks.errors.js';
import { DeliveryQueue } from './delivery-queue.js';

const PAGE_SIZE = 1_000;
/** One call looks at so many events, and at a second of them at least; for those after them there is another call. */
const MAX_EVENTS = 20_000;

/**
 * Events are looked at in the order of their ids, which are made a moment before or after the time of the event is
 * taken: of two, the one with the later id may have the earlier time, by less than this.
 */
const EDGE_MS = 1_000;

/** While more than these wait for their first try, nothing is sent again: calls cannot pile up. */
const MAX_BACKLOG = 1_000;

/** Which events are meant. */
export interface ReplayWish {
  readonly after: Date;
  readonly before?: Date | undefined;
  /** Of those that the endpoint wants, these; absent: all. */
  readonly eventTypes?: readonly string[] | undefined;
}

export interface Replay {
  readonly deliveries: number;
  /**
   * Where there are more, the time from which to go on: a little before the last event that was looked at, since what
   * was not looked at may be of that time, too. Some are sent again by that, and none is left out.
   */
  readonly continueAfter: Date | null;
}

/** Sends events again that have happened, under the ids that they had, as long as they are kept. */
@Injectable()
export class ReplayEvents {
  constructor(
    private readonly database: Database,
    private readonly endpoints: WebhookEndpoints,
    private readonly feed: EventFeed,
    private readonly queue: DeliveryQueue,
    private readonly clock: Clock,
  ) {}

  /** @throws DomainError webhook_endpoint_not_found, webhook_endpoint_disabled, webhook_backlog */
  async execute(endpointId: string, wish: ReplayWish): Promise<Replay> {
    const { after, before = this.clock.now(), eventTypes = ['*'] } = wish;
    return this.database.transaction(async () => {
      await this.database.lock('webhook_replay', endpointId);
      const endpoint = await this.endpoints.get(endpointId);
      if (endpoint.status === 'disabled') throw new DomainError(webhooksErrors.webhook_endpoint_disabled);
      if ((await this.queue.countUntried(endpointId, MAX_BACKLOG + 1)) > MAX_BACKLOG) {
        throw new DomainError(webhooksErrors.webhook_backlog);
      }
      let deliveries = 0;
      let lastId: string | undefined;
      for (let looked = 0; ;) {
        const events = await this.feed.happened(after, before, lastId, PAGE_SIZE);
        const wanted = events.filter(
          ({ type }) => matchesAny(type, endpoint.eventTypes) && matchesAny(type, eventTypes),
        );
        deliveries += await this.queue.resend(
          wanted.map((event) => ({ endpointId, event: toCloudEvent(event) })),
        );
        const last = events.at(-1);
        looked += events.length;
        if (!last || events.length < PAGE_SIZE) return { deliveries, continueAfter: null };
        const continueAfter = new Date(last.occurredAt.getTime() - EDGE_MS);
        // Or the next call would look at the same events.
        if (looked >= MAX_EVENTS && continueAfter > after) return { deliveries, continueAfter };
        lastId = last.id;
      }
    });
  }
}
