import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { cursorErrors } from '#kernel';
import { Endpoint, type FeedPage, Paginator } from '../../http/index.js';
import { toCloudEvent } from '../cloud-event.js';
import type { CloudEventView } from '../cloud-event.schema.js';
import { EventFeed } from '../event-feed.js';
import { messagingErrors } from '../messaging.errors.js';
import { eventsPageView, eventsQuery, type EventsQuery } from './events.schema.js';

@ApiTags('Events')
@Controller('events')
export class EventsController {
  constructor(
    private readonly feed: EventFeed,
    private readonly paginator: Paginator,
  ) {}

  @Get()
  @Endpoint({
    summary: 'Read the events',
    description:
      'Everything that happens, in an order that keeps that of each aggregate. Ask again with `nextCursor`, at once ' +
      'while answers are full, every few seconds when they are not: nothing is left out, and nothing comes twice. ' +
      'Events are kept for 30 days, unless `EVENTS_RETENTION_DAYS` says otherwise; for whoever comes later than that ' +
      'the answer is 410 `event_cursor_gone`. The cursor is good for any `types`.',
    access: 'events:read',
    responses: { 200: eventsPageView },
    errors: [cursorErrors.invalid_cursor, messagingErrors.event_cursor_gone],
  })
  readEvents(
    @Query({ schema: eventsQuery }) { after, limit, types }: EventsQuery,
  ): Promise<FeedPage<CloudEventView>> {
    return this.paginator.feed('events', { limit, cursor: after }, async (from, atMost) => {
      const { events, position } = await this.feed.read(from && Number(from[0]), atMost, types);
      return { data: events.map((event) => toCloudEvent(event) as CloudEventView), position: [position] };
    });
  }
}
