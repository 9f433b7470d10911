import { Client } from 'pg';
import { eventually } from './eventually.js';
import type { TestApp } from './test-app.js';

/** A transaction of somebody else's that stays open, and what it has locked, until the test commits it or gives it up. */
export class OpenTransaction {
  private constructor(private readonly client: Client) {}

  static async begin(app: TestApp): Promise<OpenTransaction> {
    const client = new Client({ connectionString: app.database.url });
    await client.connect();
    await client.query('BEGIN');
    return new OpenTransaction(client);
  }

  async query(sql: string, values: unknown[] = []): Promise<void> {
    await this.client.query(sql, values);
  }

  /** Resolves when somebody waits for what this one has locked. */
  hasWaiter(): Promise<void> {
    return eventually(async () => {
      const { rows } = await this.client.query(
        'SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))',
      );
      if (rows.length === 0) throw new Error('Nobody waits for the open transaction.');
    });
  }

  async commit(): Promise<void> {
    await this.client.query('COMMIT');
    await this.client.end();
  }

  async rollBack(): Promise<void> {
    await this.client.end();
  }
}
