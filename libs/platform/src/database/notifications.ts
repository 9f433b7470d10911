import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Client } from 'pg';
import { Config } from '../config/index.js';
import { backoffMs } from '../resilience/index.js';
import { Database } from './database.js';
import { statement } from './statement.js';

/** What happens often is announced at most this often: a notification wakes, it does not count. */
const QUIET_MS = 5;
const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECTS = { firstMs: 100, longestMs: 10_000 };
/** A connection on which not even a question is answered is dead, whatever TCP believes. */
const PROBE_MS = 15_000;

const notify = statement('database.notify', `SELECT pg_notify($1, '')`);

/**
 * Wakes whoever waits for something in the database, in every process, by PostgreSQL's NOTIFY. It is a hint and no
 * more: while its connection is away, or behind a pooler that hands connections round, nobody is woken, and whoever
 * waits looks by themselves now and then.
 */
@Injectable()
export class Notifications implements OnApplicationShutdown {
  private readonly listeners = new Map<string, Set<() => void>>();
  private readonly announced = new Map<string, NodeJS.Timeout>();
  private client: Client | undefined;
  /** The last question on the connection: the next one waits for its answer, as the driver wants it. */
  private asked: Promise<unknown> = Promise.resolve();
  private connecting: Promise<void> | undefined;
  private retry: NodeJS.Timeout | undefined;
  private probe: NodeJS.Timeout | undefined;
  private failures = 0;
  private isClosed = false;

  constructor(
    private readonly database: Database,
    private readonly config: Config,
    private readonly logger: PinoLogger,
  ) {
    logger.setContext(Notifications.name);
  }

  /** Wakes those who listen to a channel. Nobody waits for it, and nothing fails with it. */
  announce(channel: string): void {
    if (this.isClosed || this.announced.has(channel)) return;
    const timer = setTimeout(() => {
      this.announced.delete(channel);
      // It may be the transaction of somebody else that runs here by now.
      void this.database.outside(() => this.database.query(notify, [channel])).catch(() => undefined);
    }, QUIET_MS);
    timer.unref();
    this.announced.set(channel, timer);
  }

  /**
   * Has `wake` called with every notification of a channel, and when the connection is there again, since something
   * may have been missed.
   *
   * @returns what ends it
   */
  listen(channel: string, wake: () => void): () => void {
    const listeners = this.listeners.get(channel) ?? new Set();
    this.listeners.set(channel, listeners.add(wake));
    const { client } = this;
    if (client) void this.subscribe(client, channel).catch(() => this.lose(client));
    else this.connect();
    return () => listeners.delete(wake);
  }

  async onApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    for (const timer of this.announced.values()) clearTimeout(timer);
    clearTimeout(this.retry);
    clearInterval(this.probe);
    await this.connecting;
    await this.client?.end().catch(() => undefined);
  }

  private connect(): void {
    if (this.connecting || this.isClosed) return;
    this.connecting = this.open().finally(() => {
      this.connecting = undefined;
    });
  }

  private async open(): Promise<void> {
    const client = new Client({
      connectionString: this.config.settings.DATABASE_URL,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: CONNECT_TIMEOUT_MS,
      application_name: 'steelyard notifications',
      keepAlive: true,
    });
    this.asked = Promise.resolve();
    client.on('notification', ({ channel }) => this.wakeAll(channel));
    client.on('error', () => this.lose(client));
    client.on('end', () => this.lose(client));
    try {
      await client.connect();
      for (const channel of this.listeners.keys()) await this.subscribe(client, channel);
    } catch (error) {
      if (this.failures === 0) this.logger.warn({ err: error }, 'Nobody is woken by the database for now');
      await client.end().catch(() => undefined);
      this.reconnectLater();
      return;
    }
    this.failures = 0;
    this.client = client;
    this.probe = setInterval(
      () => void this.ask(client, 'SELECT 1').catch(() => this.lose(client)),
      PROBE_MS,
    );
    this.probe.unref();
    for (const channel of this.listeners.keys()) this.wakeAll(channel);
  }

  private subscribe(client: Client, channel: string): Promise<unknown> {
    return this.ask(client, `LISTEN ${client.escapeIdentifier(channel)}`);
  }

  private ask(client: Client, sql: string): Promise<unknown> {
    const answer = this.asked.then(() => client.query(sql));
    this.asked = answer.catch(() => undefined);
    return answer;
  }

  private wakeAll(channel: string): void {
    for (const wake of this.listeners.get(channel) ?? []) wake();
  }

  private lose(client: Client): void {
    if (this.client !== client) return;
    this.client = undefined;
    clearInterval(this.probe);
    void client.end().catch(() => undefined);
    this.reconnectLater();
  }

  private reconnectLater(): void {
    if (this.isClosed) return;
    const pauseMs = backoffMs(RECONNECTS, this.failures);
    this.failures += 1;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.connect(), pauseMs);
    this.retry.unref();
  }
}
