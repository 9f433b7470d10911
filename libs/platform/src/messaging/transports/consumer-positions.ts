import { Injectable } from '@nestjs/common';
import { Database, statement } from '../../database/index.js';

const lockPosition = statement(
  'messaging.lock_consumer_position',
  'SELECT position FROM platform.consumer_positions WHERE consumer = $1 FOR UPDATE SKIP LOCKED',
);
const startAt = statement(
  'messaging.start_consumer',
  `INSERT INTO platform.consumer_positions (consumer, position) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1`,
);
const positionOf = statement(
  'messaging.consumer_position',
  'SELECT position FROM platform.consumer_positions WHERE consumer = $1',
);
const lowestPosition = statement(
  'messaging.lowest_consumer_position',
  'SELECT min(position) AS position FROM platform.consumer_positions WHERE consumer = ANY($1::text[])',
);
const moveTo = statement(
  'messaging.move_consumer',
  'UPDATE platform.consumer_positions SET position = $2 WHERE consumer = $1',
);

/** How far each consumer has read a log, and the right to read on for it. */
@Injectable()
export class ConsumerPositions {
  constructor(private readonly database: Database) {}

  /** Its position, whoever has it; undefined before it has begun. */
  async of(consumer: string): Promise<number | undefined> {
    return (await this.database.queryOne<{ position: number }>(positionOf, [consumer]))?.position;
  }

  /** The position of the one of these consumers that is furthest behind; undefined when none has begun. */
  async lowest(consumers: readonly string[]): Promise<number | undefined> {
    const row = await this.database.queryOne<{ position: number | null }>(lowestPosition, [consumers]);
    return row?.position ?? undefined;
  }

  /** Has a consumer begin behind this position; one that has begun before stays where it is. Returns whether it has not. */
  async start(consumer: string, position: number): Promise<boolean> {
    return (await this.database.query(startAt, [consumer, position])).length > 0;
  }

  /** Its position, for it alone until the running transaction ends; undefined while somebody else has it. */
  async lock(consumer: string): Promise<number | undefined> {
    const row = await this.database.queryOne<{ position: number }>(lockPosition, [consumer]);
    return row?.position;
  }

  async moveTo(consumer: string, position: number): Promise<void> {
    await this.database.query(moveTo, [consumer, position]);
  }
}
