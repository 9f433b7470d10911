import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { ClientBase, Pool } from 'pg';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import { poolOf, surviveLostConnections } from './data-source.js';
import { driverErrorOf } from './driver-error.js';
import { statement, type Statement } from './statement.js';

type LockMode = 'shared' | 'exclusive';

interface UnitOfWork {
  readonly runner: QueryRunner;
  readonly client: ClientBase;
  readonly beforeCommit: (() => Promise<void>)[];
  readonly afterCommit: (() => void)[];
  /** The aggregates that this transaction has locked, and how. */
  readonly locks: Map<string, LockMode>;
}

/** What an observer learns about each named statement: never its parameters. */
export interface QueryObservation {
  readonly name: string;
  readonly durationMs: number;
  readonly failed: boolean;
}

const lockAggregate = statement(
  'database.lock_aggregate',
  `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`,
);

const lockAggregateShared = statement(
  'database.lock_aggregate_shared',
  `SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))`,
);

const SERIALIZATION_FAILURE = '40001';
const DEADLOCK_DETECTED = '40P01';
const MAX_TRANSACTION_TRIES = 4;

/**
 * The door to PostgreSQL. One transaction at a time belongs to the running asynchronous context, so a use case opens
 * it once and every repository that it calls, in whichever module, takes part without passing anything along.
 */
@Injectable()
export class Database implements OnModuleInit {
  private readonly units = new AsyncLocalStorage<UnitOfWork>();
  private readonly lastSteps: (() => Promise<void>)[] = [];
  private readonly observers: ((observation: QueryObservation) => void)[] = [];

  constructor(private readonly dataSource: DataSource) {}

  onModuleInit(): void {
    surviveLostConnections(this.dataSource);
  }

  /** TypeORM's manager: of the running transaction where there is one. */
  get manager(): EntityManager {
    return this.units.getStore()?.runner.manager ?? this.dataSource.manager;
  }

  /** Whether the caller runs inside a transaction. */
  get inTransaction(): boolean {
    return this.units.getStore() !== undefined;
  }

  /**
   * Runs `fn` in a transaction, or in the running one where there is one already. `fn` may run again when PostgreSQL
   * chose it as the victim of a deadlock or of a serialization conflict, so it must do nothing outside the database.
   */
  async transaction<T>(fn: () => Promise<T>): Promise<T> {
    if (this.inTransaction) return fn();
    return this.retry(() => this.runTransaction(fn));
  }

  /**
   * Runs `fn` in a transaction whose reads all see the database at one moment, so that they can be compared with each
   * other. It begins with the first read, so it cannot join a transaction that is running. `fn` may run again.
   */
  async snapshot<T>(fn: () => Promise<T>): Promise<T> {
    if (this.inTransaction) throw new Error('A snapshot cannot begin inside a transaction.');
    return this.retry(() => this.runTransaction(fn, 'REPEATABLE READ'));
  }

  /**
   * Takes the lock of one aggregate until the running transaction ends, waiting while another transaction holds it.
   * It is a lock by key, not a row, so that modules which may not touch each other's rows can share it. A shared one
   * waits for those that are not, and keeps them waiting. Whoever holds one cannot make it exclusive: two that tried at
   * once would wait for each other.
   *
   * @throws Error when a lock that is held shared is asked for exclusively
   */
  async lock(aggregate: string, id: string, { shared = false } = {}): Promise<void> {
    const { locks } = this.requireUnit();
    const key = `${aggregate}:${id}`;
    const held = locks.get(key);
    if (held === 'shared' && !shared)
      throw new Error(`${key} is locked shared, and cannot be locked exclusively.`);
    if (held !== undefined) return;
    await this.query(shared ? lockAggregateShared : lockAggregate, [key]);
    locks.set(key, shared ? 'shared' : 'exclusive');
  }

  /**
   * Runs `fn` in a transaction of its own even where one is running already: an effect that must commit or fail
   * alone. Its connection comes on top of the running transaction's, so only jobs may
   * use this of which there are, in one process, always fewer than connections.
   */
  async separateTransaction<T>(fn: () => Promise<T>): Promise<T> {
    return this.outside(() => this.transaction(fn));
  }

  /** Runs `fn` outside of the running transaction, if there is one. */
  outside<T>(fn: () => T): T {
    return this.units.exit(fn);
  }

  /** Stands for the running transaction, as a key for what a service buffers until it commits. */
  get unit(): object {
    return this.requireUnit();
  }

  /** Has `fn` run inside the running transaction, just before it commits: what must be written once, at the end. */
  beforeCommit(fn: () => Promise<void>): void {
    this.requireUnit().beforeCommit.push(fn);
  }

  /** Has `fn` run once the running transaction has committed: what must not be believed before. */
  afterCommit(fn: () => void): void {
    this.requireUnit().afterCommit.push(fn);
  }

  /** Has `step` run inside every transaction but snapshots, after all that belongs to it and just before it commits. */
  beforeEveryCommit(step: () => Promise<void>): void {
    this.lastSteps.push(step);
  }

  /** Runs a named statement and returns its rows: in the running transaction, else on a connection of the pool. */
  async query<Row extends object>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    const startedAt = performance.now();
    let failed = true;
    try {
      const executor = this.units.getStore()?.client ?? this.pool;
      const result = await executor.query<Row>({ ...statement, values: [...values] });
      failed = false;
      return result.rows;
    } finally {
      const durationMs = performance.now() - startedAt;
      for (const observe of this.observers) observe({ name: statement.name, durationMs, failed });
    }
  }

  /** Like `query`, for a statement that yields at most one row. */
  async queryOne<Row extends object>(
    statement: Statement,
    values: readonly unknown[] = [],
  ): Promise<Row | undefined> {
    const [row] = await this.query<Row>(statement, values);
    return row;
  }

  /** Has `observer` told of every named statement, for metrics and the log of slow queries. */
  onQuery(observer: (observation: QueryObservation) => void): void {
    this.observers.push(observer);
  }

  /** How many connections the pool has open, idle and asked for. */
  poolState(): { total: number; idle: number; waiting: number } {
    const { totalCount, idleCount, waitingCount } = this.pool;
    return { total: totalCount, idle: idleCount, waiting: waitingCount };
  }

  private get pool(): Pool {
    return poolOf(this.dataSource);
  }

  private requireUnit(): UnitOfWork {
    const unit = this.units.getStore();
    if (!unit) throw new Error('This must run inside a transaction.');
    return unit;
  }

  private async retry<T>(run: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await run();
      } catch (error) {
        if (attempt === MAX_TRANSACTION_TRIES || !isTransient(error)) throw error;
      }
    }
  }

  private async runTransaction<T>(fn: () => Promise<T>, isolation?: 'REPEATABLE READ'): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    try {
      const client = (await runner.connect()) as ClientBase;
      const unit: UnitOfWork = { runner, client, beforeCommit: [], afterCommit: [], locks: new Map() };
      await runner.startTransaction(isolation);
      const result = await this.units.run(unit, async () => {
        try {
          const value = await fn();
          for (const step of unit.beforeCommit) await step();
          // A snapshot reads; what it would write beside that would rest on what it saw.
          if (!isolation) for (const step of this.lastSteps) await step();
          await runner.commitTransaction();
          return value;
        } catch (error) {
          // A connection that is gone cannot roll back; PostgreSQL has done so. The first error is the one to report.
          if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
          throw error;
        }
      });
      for (const step of unit.afterCommit) step();
      return result;
    } finally {
      await runner.release();
    }
  }
}

/** Whether `error` is PostgreSQL's refusal of a duplicate under the unique constraint or index `constraint`. */
export function isUniqueViolation(error: unknown, constraint: string): boolean {
  const cause = driverErrorOf(error);
  return cause.code === '23505' && cause.constraint === constraint;
}

/** Whether `error` is PostgreSQL's refusal of a row that breaks the check constraint `constraint`. */
export function isCheckViolation(error: unknown, constraint: string): boolean {
  const cause = driverErrorOf(error);
  return cause.code === '23514' && cause.constraint === constraint;
}

function isTransient(error: unknown): boolean {
  const code = driverErrorOf(error).code;
  return code === SERIALIZATION_FAILURE || code === DEADLOCK_DETECTED;
}
