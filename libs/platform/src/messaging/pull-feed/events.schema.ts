import { z } from 'zod';
import { feedPageSchema, pageQuerySchema } from '../../http/index.js';
import { cloudEventView } from '../cloud-event.schema.js';
import { isEventType } from '../event.js';

/** Room for every type that there is, twice. */
const MAX_TYPES_LENGTH = 8_000;

export const eventsPageView = feedPageSchema('EventsPage', cloudEventView);

export const eventsQuery = z.strictObject({
  after: pageQuerySchema.shape.cursor.meta({
    description: '`nextCursor` of the answer before. Absent: from the oldest event that is kept.',
  }),
  limit: pageQuerySchema.shape.limit.meta({ description: 'Events per answer, 1 to 100.' }),
  types: z
    .string()
    .max(MAX_TYPES_LENGTH)
    .transform((list) => list.split(','))
    .pipe(
      z.array(
        z.string().refine(isEventType, {
          message: 'There are no events of this type.',
          params: { code: 'unknown_event_type' },
        }),
      ),
    )
    .optional()
    .meta({
      description:
        'Events of these types only, divided by commas. Others are passed over, and need no reading.',
      example: 'steelyard.order.confirmed.v1,steelyard.order.canceled.v1',
    }),
});

export type EventsQuery = z.output<typeof eventsQuery>;
