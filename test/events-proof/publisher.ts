import { setTimeout as delay } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { newId } from '#kernel';
import type { Settings } from '#platform/config';
import { Database, statement } from '#platform/database';
import { EventBus } from '#platform/messaging';
import { PlatformModule } from '../../apps/api/src/index.js';
import { happened } from './proof-event.js';

/** Transactions at once; each aggregate belongs to one lane, as a row belongs to whoever has locked it. */
const LANES = 8;
const RETRY_PAUSE_MS = 100;
const NOTE = 'x'.repeat(200);

const readAppended = statement(
  'proof.read_appended',
  `SELECT aggregate_id AS id FROM platform.outbox
    WHERE aggregate = $1 AND aggregate_id = ANY($2::uuid[]) AND sequence = $3`,
);

/** Has things happen to aggregates, each in a transaction of its own, as use cases do. */
export class Publisher {
  /** Events that have committed. */
  appended = 0;
  readonly aggregates: readonly string[];

  private constructor(
    private readonly database: Database,
    private readonly bus: EventBus,
    readonly close: () => Promise<void>,
    aggregates: number,
  ) {
    this.aggregates = Array.from({ length: aggregates }, newId);
  }

  static async open(settings: Settings, aggregates: number): Promise<Publisher> {
    const app = await NestFactory.createApplicationContext(
      PlatformModule.forRoot(settings, 'proof-publisher'),
      { logger: false },
    );
    const part = { strict: false };
    return new Publisher(app.get(Database, part), app.get(EventBus, part), () => app.close(), aggregates);
  }

  /**
   * Has the events `from` to `to` happen to each aggregate, those of one in their order, each in a transaction.
   *
   * @param perSecond how many begin in a second
   */
  async publish(from: number, to: number, perSecond: number): Promise<void> {
    const startedAt = performance.now();
    let begun = 0;
    await this.inLanes(async (aggregates) => {
      for (let sequence = from; sequence <= to; sequence += 1) {
        for (const id of aggregates) {
          const dueAt = startedAt + (begun++ / perSecond) * 1_000;
          const earlyMs = dueAt - performance.now();
          if (earlyMs > 1) await delay(earlyMs);
          await this.append([id], sequence);
        }
      }
    });
  }

  /** Has them happen as fast as it goes, to many aggregates in one transaction, as imports do. */
  async import(from: number, to: number): Promise<void> {
    await this.inLanes(async (aggregates) => {
      for (let sequence = from; sequence <= to; sequence += 1) await this.append(aggregates, sequence);
    });
  }

  private async inLanes(work: (aggregates: readonly string[]) => Promise<void>): Promise<void> {
    const lanes = Array.from({ length: LANES }, (_, lane) =>
      this.aggregates.filter((_id, index) => index % LANES === lane),
    );
    await Promise.all(lanes.map(work));
  }

  private async append(aggregates: readonly string[], sequence: number): Promise<void> {
    let open = aggregates;
    while (open.length > 0) {
      try {
        await this.database.transaction(async () => {
          for (const aggregateId of open)
            await this.bus.publish(happened, { aggregateId, sequence, data: { note: NOTE } });
        });
        open = [];
      } catch {
        await delay(RETRY_PAUSE_MS);
        open = await this.missing(open, sequence);
      }
    }
    this.appended += aggregates.length;
  }

  /** Whoever does not know whether a transaction has committed looks, as soon as there is a database again. */
  private async missing(aggregates: readonly string[], sequence: number): Promise<readonly string[]> {
    try {
      const rows = await this.database.query<{ id: string }>(readAppended, ['proof', aggregates, sequence]);
      const appended = new Set(rows.map(({ id }) => id));
      return aggregates.filter((id) => !appended.has(id));
    } catch {
      await delay(RETRY_PAUSE_MS);
      return this.missing(aggregates, sequence);
    }
  }
}
