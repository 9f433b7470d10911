import { Controller, Post, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Endpoint, httpErrors, OptionalIdempotencyKey, StreamsUpload } from '#platform/http';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { catalogProblems } from '../api/catalog-problems.js';
import { catalogErrors } from '../domain/catalog.errors.js';
import { CSV_COLUMNS } from './csv-rows.js';
import { ImportProducts } from './import-products.js';
import { importQuerySchema, type ImportResult, importResultSchema } from './import.schema.js';
import { openUpload } from './upload.js';

const CSV_EXAMPLE = `${CSV_COLUMNS.join(',')}
MUG-STONE-350,"Stoneware mug, 350 ml",Thrown by hand.,1250,GBP,true
`;
const NDJSON_EXAMPLE = `{"sku":"MUG-STONE-350","name":"Stoneware mug, 350 ml","price":{"amount":1250,"currency":"GBP"}}
`;

/** Nest's own description of a body knows one schema for all content types, and these differ. */
const UPLOAD_BODY = {
  required: true,
  content: {
    'text/csv': { schema: { type: 'string' }, example: CSV_EXAMPLE },
    'application/x-ndjson': { schema: { type: 'string' }, example: NDJSON_EXAMPLE },
    'multipart/form-data': {
      schema: {
        type: 'object',
        properties: { file: { type: 'string', format: 'binary' } },
        required: ['file'],
      },
    },
  },
};

@ApiTags('Catalog')
@Controller('products/import')
export class ImportController {
  constructor(private readonly importer: ImportProducts) {}

  @Post()
  @StreamsUpload()
  @Endpoint({
    summary: 'Import products',
    description:
      'Creates the products whose SKU is new and makes the others what the file says. The file is CSV in UTF-8 with ' +
      `the columns \`${CSV_COLUMNS.join('`, `')}\` (an empty \`active\` means true), or NDJSON with one object per ` +
      'line like the body that creates a product; as the body, or as the one file of a form; at most 256 MiB. ' +
      'All rows are imported or, if one is faulty, none: `import_rejected` lists what is wrong as ' +
      '`{ row, pointer, code, detail }`. With `partial=true` the good rows are imported.',
    access: 'catalog:write',
    responses: { 200: importResultSchema },
    errors: [
      httpErrors.unsupported_media_type,
      catalogErrors.import_rejected,
      catalogErrors.import_malformed,
      catalogErrors.import_header_invalid,
      catalogErrors.import_too_large,
      catalogErrors.import_row_too_large,
    ],
    problemMembers: catalogProblems,
    idempotencyKey: 'optional',
  })
  // Below, because what is applied later completes what is there.
  @ApiOperation({ requestBody: UPLOAD_BODY })
  async importProducts(
    @Query({ schema: importQuerySchema }) { partial }: z.output<typeof importQuerySchema>,
    @OptionalIdempotencyKey() idempotencyKey: string | undefined,
    @Req() request: FastifyRequest,
  ): Promise<ImportResult> {
    const upload = await openUpload(request);
    try {
      return await this.importer.execute(upload, { partial, idempotencyKey });
    } finally {
      // What was left unread is discarded, so that the client gets to the end of its request and reads the answer.
      upload.content.resume();
    }
  }
}
