import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { currentContext, type RequestContext } from '../context/index.js';
import { Database, statement } from '../database/index.js';
import { type Page, type PageRequest, Paginator } from '../http/index.js';
import { type AuditEntry, type AuditRow, CHAIN_START, hashOf } from './audit-chain.js';

const ROW_COLUMNS = `position, occurred_at AS "occurredAt", actor, role, session_id AS "sessionId", aal,
       action, target, reason, details, address, request_id AS "requestId", hash`;

const readHead = statement(
  'audit.read_head',
  'SELECT position, hash FROM platform.audit_log ORDER BY position DESC LIMIT 1',
);
const readLink = statement(
  'audit.read_link',
  'SELECT position, hash FROM platform.audit_log WHERE position = $1',
);
const insertEntry = statement(
  'audit.insert_entry',
  `INSERT INTO platform.audit_log (position, occurred_at, actor, role, session_id, aal, action, target, reason, details,
                                   address, request_id, hash)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
);
const listEntries = statement(
  'audit.list_entries',
  `SELECT ${ROW_COLUMNS} FROM platform.audit_log
    WHERE ($1::text IS NULL OR actor = $1) AND ($2::text IS NULL OR action = $2)
      AND ($3::text IS NULL OR target = $3)
      AND ($4::timestamptz IS NULL OR occurred_at >= $4) AND ($5::timestamptz IS NULL OR occurred_at < $5)
      AND ($6::bigint IS NULL OR position < $6)
    ORDER BY position DESC LIMIT $7`,
);
const readChain = statement(
  'audit.read_chain',
  `SELECT ${ROW_COLUMNS} FROM platform.audit_log WHERE position > $1 ORDER BY position LIMIT $2`,
);

/** Rows that are read at once while the chain is checked: few, for others wait while they are hashed. */
const VERIFY_BATCH = 200;

/** A row, and all that leads to it. */
export interface Head {
  readonly position: number;
  readonly hash: Buffer;
}

const START: Head = { position: 0, hash: CHAIN_START };

/** How many rows agree with the chain, the last of them, and the first that does not. */
export interface Verification {
  readonly checked: number;
  readonly head: Head;
  readonly firstBroken: number | undefined;
  /** Whether there is nothing to go on to: the end of the log, or a row that does not agree. */
  readonly isComplete: boolean;
}

export interface AuditFilters {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly target?: string | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
}

/**
 * The log of what was done with the rights of staff. A row is appended in the transaction of the action, so that
 * neither is there without the other. All rows are one chain: whoever appends holds its lock, but only from the last
 * statement of a transaction to its commit, and after every other lock.
 */
@Injectable()
export class AuditLog implements OnModuleInit {
  /** What is to be written with the first transaction of a request. */
  private readonly pending = new WeakMap<RequestContext, () => AuditEntry>();

  constructor(
    private readonly database: Database,
    private readonly paginator: Paginator,
  ) {}

  onModuleInit(): void {
    this.database.beforeEveryCommit(() => this.appendPending());
  }

  /** Has what `describe` tells by then written with the first transaction that this request commits. */
  expect(describe: () => AuditEntry): void {
    this.pending.set(currentContext(), describe);
  }

  /** Writes what this request has not written, because its action had nothing to change. */
  async complete(): Promise<void> {
    if (this.pending.has(currentContext())) await this.database.transaction(() => Promise.resolve());
  }

  /**
   * Entries, newest first.
   *
   * @throws DomainError invalid_cursor
   */
  list(filters: AuditFilters, request: PageRequest): Promise<Page<AuditRow>> {
    const { actor = null, action = null, target = null, after = null, before = null } = filters;
    return this.paginator.page<AuditRow>(
      'audit_log',
      filters,
      request,
      ({ position }) => [String(position)],
      async (from, limit) => {
        const values = [actor, action, target, after, before, from?.[0] ?? null, limit];
        return this.database.query<AuditRow>(listEntries, values);
      },
    );
  }

  /**
   * Computes the chain anew, to where it ends now. That the newest rows are gone, no chain can show by itself: begin at
   * a head that was noted elsewhere.
   *
   * @param known a head that was noted earlier, to begin there and not at the first row; broken where the chain has
   *   another row there, or none
   * @param mayGoOn is shown after each batch how far it has come, and says whether there is time for another
   */
  async verify(known?: Head, mayGoOn: (soFar: Verification) => boolean = () => true): Promise<Verification> {
    const first = known ? known.position : 1;
    let last = await this.rowBefore(first);
    const told = (isComplete: boolean, firstBroken?: number): Verification => {
      const checked = last.position + 1 - first;
      return { checked, head: checked > 0 ? last : START, firstBroken, isComplete };
    };
    for (;;) {
      currentContext().signal.throwIfAborted();
      const rows = await this.database.query<AuditRow>(readChain, [last.position, VERIFY_BATCH]);
      for (const row of rows) {
        const position = last.position + 1;
        const isNext = row.position === position && row.hash.equals(hashOf(last.hash, position, row));
        const isKnown = known?.position !== position || row.hash.equals(known.hash);
        if (!isNext || !isKnown) return told(true, position);
        last = { position, hash: row.hash };
      }
      const isEnd = rows.length < VERIFY_BATCH;
      // Where not even the head that is known is left, it is what is missing.
      if (isEnd) return told(true, last.position < first ? known?.position : undefined);
      const soFar = told(false);
      if (!mayGoOn(soFar)) return soFar;
      await nextTurn();
    }
  }

  /** What the row at `position` is to follow. A row of which the hash of the next says otherwise breaks that one. */
  private async rowBefore(position: number): Promise<Head> {
    if (position === 1) return START;
    const row = await this.database.queryOne<Head>(readLink, [position - 1]);
    return row ?? { position: position - 1, hash: CHAIN_START };
  }

  private async appendPending(): Promise<void> {
    const context = currentContext();
    const describe = this.pending.get(context);
    if (!describe) return;
    if (context.idempotencyReplayed) {
      // The call had its effect, and its row, the first time.
      this.pending.delete(context);
      return;
    }
    const described = describe();
    const entry = { ...described, target: described.target ?? context.subjectId ?? null };
    await this.database.lock('audit', 'chain');
    const head = await this.database.queryOne<Head>(readHead);
    const position = (head?.position ?? 0) + 1;
    await this.database.query(insertEntry, [
      position,
      entry.occurredAt,
      entry.actor,
      entry.role,
      entry.sessionId,
      entry.aal,
      entry.action,
      entry.target,
      entry.reason,
      JSON.stringify(entry.details),
      entry.address,
      entry.requestId,
      hashOf(head?.hash ?? CHAIN_START, position, entry),
    ]);
    // Not before: a transaction that fails in its commit runs again, or takes the row with it.
    this.database.afterCommit(() => this.pending.delete(context));
  }
}
