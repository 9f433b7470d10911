import { Inject, Injectable } from '@nestjs/common';
import {
  type HealthCheckResult,
  HealthCheckService,
  type HealthIndicatorResult,
  HealthIndicatorService,
} from '@nestjs/terminus';
import { DataSource } from 'typeorm';
import { type MigrationClass, pendingMigrations } from '../database/index.js';
import { Lifecycle } from '../lifecycle/index.js';
import { EventTransport } from '../messaging/index.js';
import { within } from '../resilience/index.js';

export const MIGRATIONS = Symbol('MIGRATIONS');

/** Both are looked at side by side, and whoever probes takes silence of 3 s for a process that is not ready. */
const DATABASE_TIMEOUT_MS = 2_000;
const TRANSPORT_TIMEOUT_MS = 1_000;

/** What startup and readiness mean, for the main port and the management port alike. */
@Injectable()
export class HealthChecks {
  /** Pending migrations are asked for until there are none; they do not come back while the process lives. */
  private migrated = false;

  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly lifecycle: Lifecycle,
    private readonly dataSource: DataSource,
    private readonly transport: EventTransport,
    @Inject(MIGRATIONS) private readonly migrations: readonly MigrationClass[],
  ) {}

  /** @throws ServiceUnavailableException while the process is starting */
  startup(): Promise<HealthCheckResult> {
    return this.health.check([() => this.startedIndicator()]);
  }

  /** @throws ServiceUnavailableException while starting or draining, or without a migrated database */
  readiness(): Promise<HealthCheckResult> {
    return this.health.check([
      () => this.startedIndicator(),
      () => this.drainingIndicator(),
      () => this.databaseIndicator(),
      () => this.transportIndicator(),
    ]);
  }

  private startedIndicator(): HealthIndicatorResult {
    const indicator = this.indicators.check('startup');
    return this.lifecycle.isStarted ? indicator.up() : indicator.down('still starting');
  }

  private drainingIndicator(): HealthIndicatorResult {
    const indicator = this.indicators.check('draining');
    return this.lifecycle.isDraining ? indicator.down('stopping') : indicator.up();
  }

  private async databaseIndicator(): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('database');
    try {
      const pending = await within(DATABASE_TIMEOUT_MS, 'PostgreSQL', () => this.askDatabase());
      return pending.length === 0
        ? indicator.up()
        : indicator.down(`migrations are missing: ${pending.join(', ')}`);
    } catch {
      return indicator.down('PostgreSQL does not answer');
    }
  }

  /** Events wait in the outbox while a broker is away: that is told, and nobody is refused for it. */
  private async transportIndicator(): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('transport');
    const { name } = this.transport;
    try {
      // A transport waits longer by itself: a connection that takes its time is good for what comes next.
      await within(TRANSPORT_TIMEOUT_MS, name, () => this.transport.check());
      return indicator.up({ name, degraded: false });
    } catch {
      return indicator.up({ name, degraded: true });
    }
  }

  private async askDatabase(): Promise<string[]> {
    if (this.migrated) {
      await this.dataSource.query('SELECT 1');
      return [];
    }
    const pending = await pendingMigrations(this.dataSource, this.migrations);
    this.migrated = pending.length === 0;
    return pending;
  }
}
