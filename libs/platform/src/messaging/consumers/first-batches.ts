import { Injectable } from '@nestjs/common';
import { Database, statement } from '../../database/index.js';
import type { IntegrationEvent } from '../event.js';

const begin = statement(
  'messaging.begin_first_batch',
  'INSERT INTO platform.first_batches (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1',
);
const end = statement('messaging.end_first_batch', 'DELETE FROM platform.first_batches WHERE consumer = $1');

/**
 * Remembers whether a process has come to the end of the first batch of a consumer after its start. One that it has
 * not come to the end of ended the process, or was cut off by what did: it is brought again to whoever starts next.
 *
 * Only first batches are written down. Any later one that ends its process is the first of the next process.
 */
@Injectable()
export class FirstBatches {
  /** Consumers of whose first batch this process has noted the beginning, and whether it has come to its end. */
  private readonly ended = new Map<string, boolean>();

  constructor(private readonly database: Database) {}

  /**
   * Notes, before it is applied, that a batch is begun, unless it is not the first one. Returns whether a process has
   * begun this very batch before, and was not heard of again.
   */
  async begin(consumer: string, [first]: readonly IntegrationEvent[]): Promise<boolean> {
    // One that this process could not finish has not ended it.
    if (!first || this.ended.has(consumer)) return false;
    const noted = await this.database.outside(() => this.database.query(begin, [consumer, first.id]));
    this.ended.set(consumer, false);
    return noted.length === 0;
  }

  /** Forgets what `begin` has noted, once the batch is applied or put aside. */
  async end(consumer: string): Promise<void> {
    if (this.ended.get(consumer) !== false) return;
    await this.database.outside(() => this.database.query(end, [consumer]));
    this.ended.set(consumer, true);
  }
}
