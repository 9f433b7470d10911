import { loadSettings } from '#platform/config';
import { generateAppSecret, generateSigningKeys } from '#platform/security';
import { Pool } from 'pg';
import { asBroker, isBroker, newBroker, type TransportName } from '../../test/events-proof/brokers.js';
import type { Postgres } from '../../test/events-proof/postgres.js';
import { Publisher } from '../../test/events-proof/publisher.js';
import { countApplied } from '../../test/events-proof/verdict.js';
import { eventually } from '../../test/support/eventually.js';
import { type SpawnedApp, spawnApp } from '../../test/support/spawn-app.js';

const ARRIVAL_MS = 120_000;

/** One transport with what it needs: a database, a broker, somebody who has events happen. */
export class EventStage {
  private constructor(
    private readonly env: Record<string, string>,
    readonly publisher: Publisher,
    readonly sql: Pool,
    private readonly parts: AsyncDisposableStack,
  ) {}

  /** @param database its name, which nobody else has */
  static async open(
    transport: TransportName,
    postgres: Postgres,
    aggregates: number,
    database: string,
  ): Promise<EventStage> {
    const parts = new AsyncDisposableStack();
    const broker = isBroker(transport) ? newBroker(transport) : asBroker(postgres);
    parts.defer(() => broker.close());
    await broker.open();
    const url = await postgres.createDatabase(database);
    const env = {
      DATABASE_URL: url,
      MANAGEMENT_PORT: '0',
      PORT: '0',
      LOG_LEVEL: 'error',
      APP_SECRET: generateAppSecret(),
      SIGNING_KEYS: await generateSigningKeys(),
    };
    const publisher = await Publisher.open(loadSettings(env), aggregates);
    parts.defer(() => publisher.close());
    const sql = new Pool({ connectionString: url, max: 2 });
    parts.defer(() => sql.end());
    return new EventStage({ ...env, EVENTS_TRANSPORT: transport, ...broker.settings }, publisher, sql, parts);
  }

  /** Starts the part of a worker that hands over, the one that applies, or the one that prunes: see its own words. */
  async start(role: 'relay' | 'consumer' | 'pruner', args: readonly string[] = []): Promise<SpawnedApp> {
    const app = spawnApp('test/events-proof/process.ts', { args: [role, ...args], env: this.env });
    this.parts.defer(async () => {
      await app.end('SIGKILL');
    });
    await app.wrote(/^ready$/m);
    return app;
  }

  /** Waits until all that has happened is applied. */
  async settled(): Promise<void> {
    await eventually(async () => {
      const applied = await countApplied(this.sql);
      const { appended } = this.publisher;
      if (applied < appended) throw new Error(`Only ${applied} of ${appended} events have been applied.`);
    }, ARRIVAL_MS);
  }

  close(): Promise<void> {
    return this.parts.disposeAsync();
  }
}
