import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { createClient } from 'redis';
import { Config } from '../config/index.js';

const CONNECT_TIMEOUT_MS = 2_000;
/** A connection on which nothing comes back, not even to a ping, is dead, whatever TCP believes. */
const PING_INTERVAL_MS = 1_000;
const SILENCE_TIMEOUT_MS = 3_000;
const MAX_RECONNECT_DELAY_MS = 2_000;

/**
 * The connection to Redis, where REDIS_URL names one. Redis may vanish at any moment: calls fail at once while it is
 * away, and whoever calls has another way, slower or less exact, never wrong.
 */
@Injectable()
export class Redis implements OnModuleInit, OnApplicationShutdown {
  /** Undefined where there is no Redis. */
  readonly client: ReturnType<typeof this.open> | undefined;
  private isAway = false;

  constructor(
    { settings }: Config,
    private readonly logger: PinoLogger,
  ) {
    logger.setContext(Redis.name);
    if (settings.REDIS_URL !== undefined) this.client = this.open(settings.REDIS_URL);
  }

  /** Begins to connect. The process starts without waiting for it. */
  onModuleInit(): void {
    void this.client?.connect().catch((error: unknown) => this.noteAway(error));
  }

  onApplicationShutdown(): void {
    if (this.client?.isOpen) this.client.destroy();
  }

  private open(url: string) {
    const client = createClient({
      url,
      disableOfflineQueue: true,
      pingInterval: PING_INTERVAL_MS,
      socket: {
        connectTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: SILENCE_TIMEOUT_MS,
        reconnectStrategy: (tries) => Math.min(100 * (tries + 1), MAX_RECONNECT_DELAY_MS),
      },
    });
    client.on('error', (error: unknown) => this.noteAway(error));
    client.on('ready', () => {
      if (this.isAway) this.logger.warn('Redis is back');
      this.isAway = false;
    });
    return client;
  }

  /** Told once, not with every try to connect. */
  private noteAway(error: unknown): void {
    if (!this.isAway) this.logger.error({ err: error }, 'Redis is away');
    this.isAway = true;
  }
}
