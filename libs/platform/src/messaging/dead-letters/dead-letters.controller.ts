import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { cursorErrors } from '#kernel';
import { currentContext } from '../../context/index.js';
import { Endpoint, type Page } from '../../http/index.js';
import type { CloudEventView } from '../cloud-event.schema.js';
import { ParkedEvents } from '../consumers/parked-events.js';
import { messagingErrors } from '../messaging.errors.js';
import { CheckDeadLetterFilters } from './check-filters.js';
import {
  deadLetterPageView,
  deadLetterQuery,
  type DeadLetterQuery,
  type DeadLetterView,
  discardRequest,
  type DiscardRequest,
  redriveRequest,
  type RedriveRequest,
  redriveResult,
  type RedriveResult,
} from './dead-letters.schema.js';

@ApiTags('Administration')
@Controller('admin/dead-letters')
export class DeadLettersController {
  constructor(
    private readonly parkedEvents: ParkedEvents,
    private readonly checkFilters: CheckDeadLetterFilters,
  ) {}

  @Get()
  @Endpoint({
    summary: 'List dead letters',
    description:
      'Events that a consumer could not apply, however often it was tried, with the error of the last try. Later ' +
      'events of the same aggregate wait behind. Newest first.',
    access: 'operations:read',
    responses: { 200: deadLetterPageView },
    errors: [cursorErrors.invalid_cursor],
  })
  async listDeadLetters(
    @Query({ schema: deadLetterQuery }) { limit, cursor, ...filters }: DeadLetterQuery,
  ): Promise<Page<DeadLetterView>> {
    await this.checkFilters.execute(filters, 'query:');
    const { data, nextCursor } = await this.parkedEvents.listDead(filters, { limit, cursor });
    return {
      data: data.map(({ parkedAt, event, ...letter }) => ({
        ...letter,
        event: event as CloudEventView,
        parkedAt: parkedAt.toISOString(),
      })),
      nextCursor,
    };
  }

  @Post('redrive')
  @Endpoint({
    summary: 'Try dead letters again',
    description:
      'Those to which everything that is given applies, or `all`. They are tried from the beginning, and what waits ' +
      'behind them follows in order; an event that was applied meanwhile is not applied twice.',
    access: 'operations:write',
    responses: { 200: redriveResult },
  })
  async redriveDeadLetters(
    @Body({ schema: redriveRequest }) { consumer, type, eventIds }: RedriveRequest,
  ): Promise<RedriveResult> {
    await this.checkFilters.execute({ consumer, type });
    return { redriven: await this.parkedEvents.redrive({ consumer, type, eventIds }) };
  }

  @Post('discard')
  @Endpoint({
    summary: 'Discard a dead letter',
    description: 'The consumer never applies it, and what waits behind it goes on. There is no way back.',
    access: 'operations:write',
    responses: { 204: null },
    errors: [messagingErrors.dead_letter_not_found],
  })
  async discardDeadLetter(
    @Body({ schema: discardRequest }) { consumer, eventId }: DiscardRequest,
  ): Promise<void> {
    currentContext().subjectId = eventId;
    await this.checkFilters.execute({ consumer });
    await this.parkedEvents.discard(consumer, eventId);
  }
}
