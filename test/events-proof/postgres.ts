import { rmSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrateUp } from '#platform/database';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#platform/embedded-postgres';
import { Client } from 'pg';
import { migrations } from '../../migrations/index.js';
import { freePort } from '../support/free-port.js';
import { SCHEMA } from './proof-event.js';

/** A server that is just ending may still be writing: hence the retries. */
const REMOVAL = { recursive: true, force: true, maxRetries: 20, retryDelay: 50 };

/** A durable PostgreSQL that says when each transaction committed, and that may be killed; each transport has a database. */
export class Postgres {
  private readonly onExit = () => this.abandon();

  private constructor(
    private readonly directory: string,
    private server: EmbeddedPostgres,
  ) {
    process.once('exit', this.onExit);
  }

  static async start(): Promise<Postgres> {
    const directory = await mkdtemp(join(tmpdir(), 'steelyard-events-'));
    // As root, PostgreSQL runs as another account, which may enter and not look around.
    await chmod(directory, 0o711);
    const dataDir = join(directory, 'data');
    const port = await freePort();
    let server = await startEmbeddedPostgres({ dataDir, port });
    await execute(server.url, 'ALTER SYSTEM SET track_commit_timestamp = on');
    await server.stop();
    server = await startEmbeddedPostgres({ dataDir, port });
    return new Postgres(directory, server);
  }

  /** A new database with all that Steelyard needs and the proof remembers; its URL. */
  async createDatabase(name: string): Promise<string> {
    await execute(this.server.url, `CREATE DATABASE ${name}`);
    const url = new URL(this.server.url);
    url.pathname = `/${name}`;
    await migrateUp(url.href, migrations);
    await execute(url.href, SCHEMA);
    return url.href;
  }

  /** Kills it with all its processes where they stand. */
  async kill(): Promise<void> {
    const { pid, exited } = this.server;
    process.kill(-pid, 'SIGKILL');
    await exited;
    await this.server.stop();
  }

  /** Starts it again on what it had written. */
  async restart(): Promise<void> {
    const { port } = this.server;
    this.server = await startEmbeddedPostgres({ dataDir: join(this.directory, 'data'), port });
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await rm(this.directory, REMOVAL);
    process.off('exit', this.onExit);
  }

  /** Leaves no process and no file behind, at once. */
  private abandon(): void {
    try {
      process.kill(-this.server.pid, 'SIGKILL');
    } catch {
      // It is dead already.
    }
    rmSync(this.directory, REMOVAL);
  }
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
