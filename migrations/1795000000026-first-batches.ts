import { SqlMigration } from './sql-migration.js';

/** What a process that has just started was about to apply, until it has: whoever finds it there comes after a crash. */
export class FirstBatches1795000000026 extends SqlMigration {
  protected readonly upSql = `
    CREATE TABLE platform.first_batches (
      consumer text NOT NULL,
      event_id uuid NOT NULL,
      begun_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (consumer, event_id)
    )`;

  protected readonly downSql = 'DROP TABLE platform.first_batches';
}
