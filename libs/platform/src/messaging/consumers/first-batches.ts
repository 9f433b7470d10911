import { Injectable } from '@nestjs/common';
import { Database, statement } from '../../database/index.js';
import type { IntegrationEvent } from '../event.js';

const begin = statement(
  'messaging.begin_first_batch',
  'INSERT INTO platform.first_batches (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1',
);
// Nobody looks for those that are old: their batch was applied by a process that had been there all the time.
const end = statement(
  'messaging.end_first_batch',
  `DELETE FROM platform.first_batches
    WHERE consumer = $1 AND (event_id = $2 OR begun_at < now() - interval '1 day')`,
);

/**
 * Remembers whether a process has come to the end of the first batch of a consumer after its start. One that it has
 * not come to the end of ended the process, or was cut off by what did: it is brought again to whoever starts next.
 *
 * Only first batches are written down. Any later one that ends its process is the first of the next process.
 */
@Injectable()
export class FirstBatches {
  /** By consumer, how far this process is with its first batch. */
  private readonly batches = new Map<string, { firstId: string; state: 'noting' | 'noted' | 'ended' }>();

  constructor(private readonly database: Database) {}

  /**
   * Notes, before it is applied, that a batch is begun, unless it is not the first one. Returns whether a process has
   * begun this very batch before, and was not heard of again.
   */
  async begin(consumer: string, [first]: readonly IntegrationEvent[]): Promise<boolean> {
    const known = this.batches.get(consumer);
    // One that this process could not finish has not ended it.
    if (!first || (known && known.state !== 'noting')) return false;
    this.batches.set(consumer, { firstId: first.id, state: 'noting' });
    const noted = await this.database.outside(() => this.database.query(begin, [consumer, first.id]));
    this.batches.set(consumer, { firstId: first.id, state: 'noted' });
    // What is there may be its own note of an attempt of which it did not hear that it had succeeded.
    return noted.length === 0 && known?.firstId !== first.id;
  }

  /** Forgets what `begin` has noted, once the batch is applied or put aside. */
  async end(consumer: string): Promise<void> {
    const batch = this.batches.get(consumer);
    if (batch?.state !== 'noted') return;
    await this.database.outside(() => this.database.query(end, [consumer, batch.firstId]));
    this.batches.set(consumer, { ...batch, state: 'ended' });
  }
}
