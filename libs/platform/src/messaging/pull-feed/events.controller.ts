import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { cursorErrors } from '#kernel';
import { Endpoint, type FeedPage, Paginator } from '../../http/index.js';
import { toCloudEvent } from '../cloud-event.js';
import type { CloudEventView } from '../cloud-event.schema.js';
import { EventFeed } from '../event-feed.js';
import { messagingErrors } from '../messaging.errors.js';
import { eventsPageView, eventsQuery, type EventsQuery, LATEST } from './events.schema.js';

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
      'while `hasMore` is true, every few seconds when it is not: nothing is left out, and nothing comes twice. An ' +
      'answer looks at a part of the feed, so it may hold fewer events than `limit`, or none, while there are more. ' +
      'Events are kept for 30 days, unless `EVENTS_RETENTION_DAYS` says otherwise; for whoever comes later than that ' +
      'the answer is 410 `event_cursor_gone`. The cursor is good for any `types`.',
    access: 'events:read',
    responses: { 200: eventsPageView },
    errors: [cursorErrors.invalid_cursor, messagingErrors.event_cursor_gone],
  })
  readEvents(
    @Query({ schema: eventsQuery }) { after, since, limit, types }: EventsQuery,
  ): Promise<FeedPage<CloudEventView>> {
    const isCursor = after !== LATEST && after !== '';
    const beginning = after === LATEST ? 'end' : since === undefined ? undefined : new Date(since);
    const request = { limit, cursor: isCursor ? after : undefined };
    return this.paginator.feed('events', request, async (from, atMost) => {
      const start = from ? Number(from[0]) : beginning;
      const { events, position, hasMore } = await this.feed.read(start, atMost, types);
      const data = events.map((event) => toCloudEvent(event) as CloudEventView);
      return { data, position: [position], hasMore };
    });
  }
}
