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

/** Rows that are read at once while the chain is checked. */
const VERIFY_BATCH = 1_000;

interface Head {
  readonly position: number;
  readonly hash: Buffer;
}

/** How many rows agree with the chain, the last of them, and the first that does not. */
export interface Verification {
  readonly checked: number;
  readonly head: Head;
  readonly firstBroken: number | undefined;
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
   * Computes the chain anew, from its beginning to where it ends now. That the newest rows are gone, no chain can show
   * by itself: compare with a head that was noted elsewhere.
   *
   * @param known a head that was noted earlier; broken where the chain has another row there, or none
   */
  async verify(known?: Head): Promise<Verification> {
    let head: Head = { position: 0, hash: CHAIN_START };
    for (;;) {
      currentContext().signal.throwIfAborted();
      const rows = await this.database.query<AuditRow>(readChain, [head.position, VERIFY_BATCH]);
      for (const row of rows) {
        const position = head.position + 1;
        const isNext = row.position === position && row.hash.equals(hashOf(head.hash, position, row));
        const isKnown = known?.position !== position || row.hash.equals(known.hash);
        if (!isNext || !isKnown) return { checked: head.position, head, firstBroken: position };
        head = { position, hash: row.hash };
      }
      if (rows.length < VERIFY_BATCH) break;
    }
    const isCut = known !== undefined && known.position > head.position;
    return { checked: head.position, head, firstBroken: isCut ? head.position + 1 : undefined };
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
