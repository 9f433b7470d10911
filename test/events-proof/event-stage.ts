import { loadSettings } from '#platform/config';
import { generateAppSecret, generateSigningKeys } from '#platform/security';
import { Pool } from 'pg';
import { asBroker, type Broker, isBroker, newBroker, type TransportName } from './brokers.js';
import type { Postgres } from './postgres.js';
import { Publisher } from './publisher.js';
import { countApplied } from './verdict.js';
import { eventually } from '../support/eventually.js';
import { type SpawnedApp, spawnApp } from '../support/spawn-app.js';

/** Kafka misses a reader that was killed after 15 s, and everybody pauses longer and longer while a broker is away. */
const ARRIVAL_MS = 120_000;

type Role = 'relay' | 'consumer' | 'witness' | 'pruner';

/** One transport with what it needs: a database, a broker, somebody who has events happen. For the proof and the benchmark. */
export class EventStage {
  private constructor(
    private readonly env: Record<string, string>,
    readonly broker: Broker,
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
    await using parts = new AsyncDisposableStack();
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
    // What fails with a connection says so to whoever asks.
    sql.on('error', () => undefined);
    parts.defer(() => sql.end());
    const settings = { ...env, EVENTS_TRANSPORT: transport, ...broker.settings };
    return new EventStage(settings, broker, publisher, sql, parts.move());
  }

  /** Starts a process that does one part of what a worker does, as process.ts says; it may be told where to die. */
  async start(role: Role, args: readonly string[] = []): Promise<SpawnedApp> {
    const app = spawnApp('test/events-proof/process.ts', {
      args: [role, ...args],
      env: this.env,
      preload: 'test/faults/arm-on-message.mjs',
    });
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
