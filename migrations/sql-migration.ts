import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A migration that is plain SQL both ways. Waiting for a lock longer than a second would stall the traffic that
 * queues behind the migration, so it gives up instead and is run again.
 */
export abstract class SqlMigration implements MigrationInterface {
  protected abstract readonly upSql: string;
  protected abstract readonly downSql: string;

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`SET LOCAL lock_timeout = '1s'`);
    await runner.query(this.upSql);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`SET LOCAL lock_timeout = '1s'`);
    await runner.query(this.downSql);
  }
}
