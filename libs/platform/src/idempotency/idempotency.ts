import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { canonicalJson, DomainError } from '#kernel';
import { Config } from '../config/index.js';
import { currentContext } from '../context/index.js';
import { Database, statement } from '../database/index.js';
import { defineFailpoint } from '../failpoints/index.js';
import { idempotencyErrors } from './idempotency.errors.js';

/** One call that must have its effect once, however often it is sent. */
export interface IdempotentCall {
  /** Who calls: a key of one principal means nothing to another. */
  readonly principal: string;
  /** What is called, for instance `orders.place`. */
  readonly operation: string;
  readonly key: string;
  /** What is asked for, without the key: a second call with the same key must ask for the same. */
  readonly payload: unknown;
}

/** What a claim found. */
type Claim<Result> =
  /** This call is the first: do the work. */
  | { readonly state: 'first' }
  /** An earlier try began this resource and did not reach an answer: carry on from where it stands. */
  | { readonly state: 'resume'; readonly resourceId: string }
  | { readonly state: 'finished'; readonly result: Result };

interface KeyRow {
  fingerprint: Buffer;
  resource_id: string | null;
  result: { value: unknown } | null;
  leased: boolean;
}

/** Where a crash can fall in a keyed call, in the order in which they are passed. */
const failpoints = {
  /** The key is claimed, nothing is done yet. */
  claimed: defineFailpoint('idempotency.claimed'),
  /** What fits in the first transaction is done, and not committed yet. */
  begun: defineFailpoint('idempotency.begun'),
  /** It is committed; what goes on after it has not begun. */
  committed: defineFailpoint('idempotency.committed'),
  /** All is done, and the answer is not stored yet. */
  completed: defineFailpoint('idempotency.completed'),
  /** The answer is stored, and nobody was told yet. */
  finished: defineFailpoint('idempotency.finished'),
};

/** Keys are kept this long; then a call with the same key is a new one. */
const RETENTION_DAYS = 7;
const IN_PROGRESS_RETRY_AFTER_SECONDS = 1;

/** A lease that is over for certain: its column rounds to milliseconds, up as well as down. */
const ENDED_LEASE_MS = -1;

const insertKey = statement(
  'idempotency.insert_key',
  `INSERT INTO platform.idempotency_keys AS k
     (principal, operation, key, fingerprint, resource_id, leased_until, expires_at)
   VALUES ($1, $2, $3, $4, $5, now() + $6 * interval '1 millisecond', now() + interval '${RETENTION_DAYS} days')
   ON CONFLICT (principal, operation, key) DO UPDATE
     SET fingerprint = excluded.fingerprint, resource_id = excluded.resource_id, result = NULL,
         leased_until = excluded.leased_until, created_at = now(), expires_at = excluded.expires_at
     WHERE k.expires_at <= now()
   RETURNING key`,
);
const readKey = statement(
  'idempotency.read_key',
  `SELECT fingerprint, resource_id, result, leased_until > now() AS leased
     FROM platform.idempotency_keys WHERE principal = $1 AND operation = $2 AND key = $3 FOR UPDATE`,
);
const renewLease = statement(
  'idempotency.renew_lease',
  `UPDATE platform.idempotency_keys SET leased_until = now() + $4 * interval '1 millisecond'
    WHERE principal = $1 AND operation = $2 AND key = $3`,
);
const storeResult = statement(
  'idempotency.store_result',
  `UPDATE platform.idempotency_keys SET result = $4 WHERE principal = $1 AND operation = $2 AND key = $3`,
);
const deleteExpired = statement(
  'idempotency.delete_expired',
  `DELETE FROM platform.idempotency_keys WHERE (principal, operation, key) IN
     (SELECT principal, operation, key FROM platform.idempotency_keys WHERE expires_at <= now() LIMIT $1)
   RETURNING key`,
);

const deleteOfResources = statement(
  'idempotency.delete_of_resources',
  'DELETE FROM platform.idempotency_keys WHERE resource_id = ANY($1::uuid[])',
);
const deleteOfPrincipals = statement(
  'idempotency.delete_of_principals',
  'DELETE FROM platform.idempotency_keys WHERE principal = ANY($1::text[])',
);

/**
 * The record of keyed calls. A key's row is inserted in the transaction of the effect, never checked first, so of any
 * number of calls at once exactly one is the first. A call that fails leaves no row: its retry starts afresh.
 */
@Injectable()
export class Idempotency {
  private readonly leaseMs: number;

  constructor(
    private readonly database: Database,
    config: Config,
  ) {
    // Nobody works on a call beyond its deadline; the margin covers the time between the deadline and the last write.
    this.leaseMs = config.settings.REQUEST_TIMEOUT_MS + 2_000;
  }

  /**
   * Runs an effect that fits in one transaction, at most once per key. A call without a key runs every time.
   *
   * @throws DomainError idempotency_key_reused, idempotency_in_progress
   */
  async once<Result>(call: IdempotentCall | undefined, effect: () => Promise<Result>): Promise<Result> {
    const result = await this.database.transaction(async () => {
      if (!call) return effect();
      const claim = await this.claim<Result>(call, null);
      if (claim.state === 'finished') return claim.result;
      await failpoints.claimed.reach();
      const effected = await effect();
      await this.finish(call, effected);
      await failpoints.begun.reach();
      return effected;
    });
    await failpoints.finished.reach();
    return result;
  }

  /**
   * Runs an effect that goes on after its first transaction: `begin` in the transaction of the claim, then `complete`,
   * which must be safe to repeat. When the process dies in between, or `complete` throws, the next call with the same
   * key carries on with `complete`. An answer is kept only once it is final.
   *
   * @param newResourceId id of what `begin` begins; a later try is told the id of the first
   * @throws DomainError idempotency_key_reused, idempotency_in_progress
   */
  async resumable<Result>(
    call: IdempotentCall,
    newResourceId: string,
    steps: {
      begin: () => Promise<void>;
      complete: (resourceId: string) => Promise<{ readonly result: Result; readonly isFinal: boolean }>;
    },
  ): Promise<Result> {
    const claim = await this.database.transaction(async () => {
      const claimed = await this.claim<Result>(call, newResourceId);
      await failpoints.claimed.reach();
      if (claimed.state === 'first') await steps.begin();
      await failpoints.begun.reach();
      return claimed;
    });
    await failpoints.committed.reach();
    if (claim.state === 'finished') return claim.result;
    const resourceId = claim.state === 'resume' ? claim.resourceId : newResourceId;
    let settled = false;
    try {
      const { result, isFinal } = await steps.complete(resourceId);
      await failpoints.completed.reach();
      if (isFinal) await this.finish(call, result);
      settled = isFinal;
      await failpoints.finished.reach();
      return result;
    } finally {
      if (!settled) await this.release(call);
    }
  }

  /**
   * Claims the key inside the transaction of the effect. An effect that goes on after that transaction names the
   * resource that it begins.
   *
   * @throws DomainError idempotency_key_reused, idempotency_in_progress
   */
  private async claim<Result>(call: IdempotentCall, resourceId: string | null): Promise<Claim<Result>> {
    const fingerprint = fingerprintOf(call.payload);
    const inserted = await this.database.queryOne(insertKey, [
      ...keyOf(call),
      fingerprint,
      resourceId,
      this.leaseMs,
    ]);
    if (inserted) return { state: 'first' };
    const row = await this.database.queryOne<KeyRow>(readKey, keyOf(call));
    if (!row) return this.claim(call, resourceId);
    if (!row.fingerprint.equals(fingerprint)) throw new DomainError(idempotencyErrors.idempotency_key_reused);
    if (row.result) {
      currentContext().idempotencyReplayed = true;
      return { state: 'finished', result: row.result.value as Result };
    }
    if (row.leased || row.resource_id === null) {
      throw new DomainError(idempotencyErrors.idempotency_in_progress, {
        retryAfterSeconds: IN_PROGRESS_RETRY_AFTER_SECONDS,
      });
    }
    await this.database.query(renewLease, [...keyOf(call), this.leaseMs]);
    return { state: 'resume', resourceId: row.resource_id };
  }

  /** Stores the answer that every later call with this key gets. */
  private async finish(call: IdempotentCall, result: unknown): Promise<void> {
    await this.database.query(storeResult, [...keyOf(call), JSON.stringify({ value: result })]);
  }

  /** Lets the next call with this key carry on at once instead of waiting for the lease to end. */
  private async release(call: IdempotentCall): Promise<void> {
    await this.database.query(renewLease, [...keyOf(call), ENDED_LEASE_MS]);
  }

  /** Forgets every call of principals who will never call again, with the answers that were kept. */
  async forget(principals: readonly string[]): Promise<void> {
    await this.database.query(deleteOfPrincipals, [principals]);
  }

  /**
   * Forgets every call about these resources, whoever made it, with the answers that were kept. A retry of one that is
   * forgotten is a new call.
   */
  async forgetAbout(resourceIds: readonly string[]): Promise<void> {
    await this.database.query(deleteOfResources, [resourceIds]);
  }

  /** Forgets keys past their retention, at most `limit` at a time, and returns how many. */
  async prune(limit: number): Promise<number> {
    return (await this.database.query(deleteExpired, [limit])).length;
  }
}

function keyOf({ principal, operation, key }: IdempotentCall): [string, string, string] {
  return [principal, operation, key];
}

/** A digest of the payload in which the order of an object's members does not matter. */
function fingerprintOf(payload: unknown): Buffer {
  return createHash('sha256').update(canonicalJson(payload)).digest();
}
