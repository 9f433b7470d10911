import { Injectable } from '@nestjs/common';
import { actorReference, Clock, DomainError, newId } from '#kernel';
import { currentActor } from '#platform/context';
import { Idempotency } from '#platform/idempotency';
import { EventBus } from '#platform/messaging';
import { productCreated, productUpdated } from '../catalog.events.js';
import { catalogErrors } from '../domain/catalog.errors.js';
import { productEvent } from '../products/product-event.js';
import { csvRows } from './csv-rows.js';
import type { ImportRow } from './import-row.js';
import { type ImportResult, type ImportRowError, MAX_LISTED_ERRORS } from './import.schema.js';
import { ndjsonRows } from './ndjson-rows.js';
import { StagedRows } from './staged-rows.js';
import type { Upload } from './upload.js';
import { UploadText } from './upload-text.js';

/** Rows that travel to the database and back at once. */
const BATCH_ROWS = 500;

const ROW_READERS = { csv: csvRows, ndjson: ndjsonRows } as const;

/** The faulty rows of an import: all are counted, the errors of the first are listed. */
interface Faults {
  failed: number;
  errors: ImportRowError[];
}

/** Brings a file of products into the catalog: new SKUs are created, known ones are made what the file says. */
@Injectable()
export class ImportProducts {
  constructor(
    private readonly rows: StagedRows,
    private readonly idempotency: Idempotency,
    private readonly bus: EventBus,
    private readonly clock: Clock,
  ) {}

  /**
   * Reads all of the upload first, then applies it in one transaction.
   *
   * @param partial whether the good rows are imported although others are faulty
   * @throws DomainError import_rejected with the rows' errors, import_malformed, import_header_invalid,
   *   import_too_large, import_row_too_large
   */
  async execute(
    upload: Upload,
    { partial, idempotencyKey }: { partial: boolean; idempotencyKey: string | undefined },
  ): Promise<ImportResult> {
    const importId = newId();
    const text = new UploadText(upload.content);
    try {
      const { failed, errors } = await this.stage(importId, ROW_READERS[upload.format](text));
      if (failed > 0 && !partial) {
        throw new DomainError(catalogErrors.import_rejected, {
          detail: `${failed} rows are faulty; nothing was stored.`,
          errors,
          extensions: { failed },
        });
      }
      const payload = { format: upload.format, digest: text.digest(), partial };
      const call =
        idempotencyKey === undefined
          ? undefined
          : {
              principal: actorReference(currentActor()),
              operation: 'catalog.import_products',
              key: idempotencyKey,
              payload,
            };
      return await this.idempotency.once(call, async () => ({
        ...(await this.apply(importId)),
        failed,
        errors,
      }));
    } finally {
      await this.rows.discard(importId);
    }
  }

  /** Reads the rows to their end and keeps the good ones. */
  private async stage(importId: string, rows: AsyncIterable<ImportRow>): Promise<Faults> {
    const faults: Faults = { failed: 0, errors: [] };
    let batch: ImportRow[] = [];
    for await (const row of rows) {
      batch.push(row);
      if (batch.length < BATCH_ROWS) continue;
      await this.stageBatch(importId, batch, faults);
      batch = [];
    }
    if (batch.length > 0) await this.stageBatch(importId, batch, faults);
    return faults;
  }

  private async stageBatch(importId: string, batch: readonly ImportRow[], faults: Faults): Promise<void> {
    const products = batch.flatMap((row) => ('product' in row ? [row.product] : []));
    const added = await this.rows.add(importId, products);
    for (const row of batch) {
      // The first row with a SKU takes it; what is then left in the set has come before.
      if ('product' in row && added.delete(row.product.sku)) continue;
      faults.failed += 1;
      const errors = 'errors' in row ? row.errors : [DUPLICATE_SKU];
      const room = MAX_LISTED_ERRORS - faults.errors.length;
      faults.errors.push(...errors.slice(0, room).map((error) => ({ row: row.row, ...error })));
    }
  }

  private async apply(importId: string): Promise<Pick<ImportResult, 'created' | 'updated' | 'unchanged'>> {
    const counts = { created: 0, updated: 0, unchanged: 0 };
    const now = this.clock.now();
    let afterSku = '';
    for (;;) {
      const { staged, lastSku, merged } = await this.rows.merge(importId, afterSku, BATCH_ROWS, now);
      for (const product of merged) {
        const isNew = product.version === 1;
        counts[isNew ? 'created' : 'updated'] += 1;
        await this.bus.publish(isNew ? productCreated : productUpdated, productEvent(product));
      }
      counts.unchanged += staged - merged.length;
      if (lastSku === null || staged < BATCH_ROWS) return counts;
      afterSku = lastSku;
    }
  }
}

const DUPLICATE_SKU = {
  pointer: '/sku',
  code: 'duplicate_sku',
  detail: 'An earlier row has the same SKU.',
} as const;
