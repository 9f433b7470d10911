import { z } from 'zod';
import { feedPageSchema, pageQuerySchema, timeSchema } from '../../http/index.js';
import { cloudEventView } from '../cloud-event.schema.js';
import { isKnownPattern } from '../event-patterns.js';

/** Room for every type that there is, twice. */
const MAX_TYPES_LENGTH = 8_000;
const MAX_CURSOR_LENGTH = 1_000;

export const eventsPageView = feedPageSchema('EventsPage', cloudEventView);

/** For `after`: what happens from now on. */
export const LATEST = 'latest';

export const eventsQuery = z
  .strictObject({
    after: z
      .string()
      .max(MAX_CURSOR_LENGTH)
      .optional()
      .meta({
        description:
          '`nextCursor` of the answer before; or `latest`, for what happens from now on. Absent or empty, and without ' +
          '`since`: from the oldest event that is kept.',
      }),
    since: timeSchema.optional().meta({
      description:
        'Instead of `after`, to begin: from the first event that happened at this time or later, with some from shortly ' +
        'before, or from the oldest that is kept.',
    }),
    limit: pageQuerySchema.shape.limit.meta({ description: 'Events per answer, 1 to 100.' }),
    types: z
      .string()
      .max(MAX_TYPES_LENGTH)
      .transform((list) => list.split(','))
      .pipe(
        z.array(
          z.string().refine(isKnownPattern, {
            message: 'No event has this type, or begins with it.',
            params: { code: 'unknown_event_type' },
          }),
        ),
      )
      .optional()
      .meta({
        description:
          'Events of these types only, divided by commas: types, or what they begin with and `*`. Others are passed ' +
          'over, so an answer may be empty while `hasMore` is true.',
        example: 'steelyard.order.*,steelyard.stock.availability_changed.v1',
      }),
  })
  .refine(({ after, since }) => !after || since === undefined, {
    message: 'Begin after a cursor or at a time.',
    path: ['since'],
    params: { code: 'one_start_only' },
  });

export type EventsQuery = z.output<typeof eventsQuery>;
