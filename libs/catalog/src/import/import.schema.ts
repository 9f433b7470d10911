import { z } from 'zod';

/** Errors of rows listed in one answer; the others are only counted. */
export const MAX_LISTED_ERRORS = 1_000;

export const importQuerySchema = z.strictObject({
  partial: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .default(false)
    .meta({ description: 'Imports the good rows although others are faulty.' }),
});

const rowErrorSchema = z.object({
  row: z.int().meta({ description: 'Number of the row, from 1; the header and empty lines do not count.' }),
  pointer: z.string().meta({ description: 'The column as a JSON pointer, empty for the row as a whole.' }),
  code: z.string(),
  detail: z.string(),
});

export type ImportRowError = z.output<typeof rowErrorSchema>;

export const importResultSchema = z
  .object({
    created: z.int(),
    updated: z.int(),
    unchanged: z.int(),
    failed: z.int().meta({ description: 'Faulty rows; only with `partial` can there be any here.' }),
    errors: z
      .array(rowErrorSchema)
      .meta({ description: `What is wrong with them, at most ${MAX_LISTED_ERRORS} entries.` }),
  })
  .meta({
    id: 'ImportResult',
    description: 'What became of the rows.',
    example: {
      created: 120,
      updated: 14,
      unchanged: 866,
      failed: 1,
      errors: [
        { row: 17, pointer: '/sku', code: 'duplicate_sku', detail: 'An earlier row has the same SKU.' },
      ],
    },
  });

export type ImportResult = z.output<typeof importResultSchema>;
