import { Injectable } from '@nestjs/common';
import { Clock, DomainError } from '#kernel';
import { Config } from '#platform/config';
import { Database, statement } from '#platform/database';
import { SecretBox } from '#platform/security';
import { Secret, TOTP } from 'otpauth';
import { usersErrors } from '../users.errors.js';

/** What every authenticator app assumes, whatever it is told (RFC 6238, and its most common implementations). */
const PARAMETERS = { algorithm: 'SHA1', digits: 6, period: 30 };
/** The code before and the one after are good as well: clocks differ, and people type slowly. */
const WINDOW_STEPS = 1;
const SECRET_BYTES = 20;
/** How long an app that was shown the secret has for its first code. */
const PENDING_MINUTES = 15;

const storePending = statement(
  'users.store_pending_totp',
  `INSERT INTO users.totp (user_id, sealed_secret, created_at) VALUES ($1, $2, $3)
   ON CONFLICT (user_id) DO UPDATE
     SET sealed_secret = excluded.sealed_secret, created_at = excluded.created_at
   WHERE users.totp.confirmed_at IS NULL
   RETURNING user_id`,
);
const readTotp = statement(
  'users.read_totp',
  'SELECT sealed_secret AS "sealedSecret", created_at AS "createdAt", confirmed_at AS "confirmedAt" FROM users.totp WHERE user_id = $1',
);
const confirmTotp = statement(
  'users.confirm_totp',
  `UPDATE users.totp SET confirmed_at = $4, last_used_step = $3
    WHERE user_id = $1 AND sealed_secret = $2 AND confirmed_at IS NULL RETURNING user_id`,
);
const useStep = statement(
  'users.use_totp_step',
  `UPDATE users.totp SET last_used_step = $3, sealed_secret = $4
    WHERE user_id = $1 AND sealed_secret = $2 AND confirmed_at IS NOT NULL AND last_used_step < $3
   RETURNING user_id`,
);
const deletePending = statement(
  'users.delete_pending_totp',
  'DELETE FROM users.totp WHERE user_id = $1 AND confirmed_at IS NULL',
);
const prunePending = statement(
  'users.prune_pending_totp',
  `DELETE FROM users.totp WHERE user_id IN (
     SELECT user_id FROM users.totp
      WHERE confirmed_at IS NULL AND created_at < $1::timestamptz - interval '${PENDING_MINUTES} minutes'
      LIMIT $2 FOR UPDATE SKIP LOCKED)
   RETURNING user_id`,
);
const deleteTotp = statement(
  'users.delete_totp',
  'DELETE FROM users.totp WHERE user_id = $1 RETURNING confirmed_at AS "confirmedAt"',
);

interface StoredTotp {
  readonly sealedSecret: Buffer;
  readonly createdAt: Date;
  readonly confirmedAt: Date | null;
}

/** What an authenticator app has to be told, once. */
export interface TotpSecret {
  /** In base32, for whoever types it. */
  readonly secret: string;
  /** `otpauth://totp/…`, for the QR code. */
  readonly uri: string;
}

/** Authenticator apps: codes that change every half minute (RFC 6238), each good once. */
@Injectable()
export class Totp {
  private readonly box: SecretBox;
  private readonly issuer: string;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    config: Config,
  ) {
    this.box = new SecretBox(config.appSecrets, 'totp secrets');
    this.issuer = config.settings.SHOP_NAME;
  }

  /**
   * A new secret, which is good for nothing before its first code confirms it. The one before, if that was not
   * confirmed, ends.
   *
   * @param label what the app shows beside the shop's name
   * @throws DomainError totp_enrolled
   */
  async enrol(userId: string, label: string): Promise<TotpSecret> {
    const secret = new Secret({ size: SECRET_BYTES });
    const values = [userId, this.box.seal(secret.bytes, userId), this.clock.now()];
    if (!(await this.database.queryOne(storePending, values))) {
      throw new DomainError(usersErrors.totp_enrolled);
    }
    const totp = new TOTP({ ...PARAMETERS, issuer: this.issuer, label, secret });
    return { secret: secret.base32, uri: totp.toString() };
  }

  /** Whether a secret waits for its first code. */
  async isPending(userId: string): Promise<boolean> {
    return this.waits(await this.read(userId));
  }

  /** Takes the first code of the app, which confirms the secret; false when it is not one of its codes. */
  async confirm(userId: string, code: string): Promise<boolean> {
    const stored = await this.read(userId);
    if (!this.waits(stored)) return false;
    const step = this.stepOf(stored, userId, code);
    if (step === undefined) return false;
    const values = [userId, stored.sealedSecret, step, this.clock.now()];
    return (await this.database.queryOne(confirmTotp, values)) !== undefined;
  }

  /**
   * Takes a code, which is spent by that, with all before it: of two calls at once with one code one gets true. The
   * secret is sealed anew, so that whoever uses their app has left an old APP_SECRET behind.
   */
  async accept(userId: string, code: string): Promise<boolean> {
    const stored = await this.read(userId);
    if (!stored?.confirmedAt) return false;
    const bytes = this.box.open(stored.sealedSecret, userId);
    const step = this.stepOf(stored, userId, code);
    if (!bytes || step === undefined) return false;
    const values = [userId, stored.sealedSecret, step, this.box.seal(bytes, userId)];
    return (await this.database.queryOne(useStep, values)) !== undefined;
  }

  /** When the app was confirmed; undefined where there is none. */
  async enrolledAt(userId: string): Promise<Date | undefined> {
    return (await this.read(userId))?.confirmedAt ?? undefined;
  }

  /** Forgets a secret that no code has confirmed. */
  async endPending(userId: string): Promise<void> {
    await this.database.query(deletePending, [userId]);
  }

  /** Forgets the secret, confirmed or not; whether there was a confirmed one. */
  async remove(userId: string): Promise<boolean> {
    const removed = await this.database.queryOne<{ confirmedAt: Date | null }>(deleteTotp, [userId]);
    return removed !== undefined && removed.confirmedAt !== null;
  }

  /** Takes away at most `limit` secrets that no code has confirmed in time; how many went. */
  async prune(limit: number): Promise<number> {
    return (await this.database.query(prunePending, [this.clock.now(), limit])).length;
  }

  private read(userId: string): Promise<StoredTotp | undefined> {
    return this.database.queryOne<StoredTotp>(readTotp, [userId]);
  }

  private waits(stored: StoredTotp | undefined): stored is StoredTotp {
    if (!stored || stored.confirmedAt !== null) return false;
    return this.clock.now().getTime() - stored.createdAt.getTime() <= PENDING_MINUTES * 60_000;
  }

  /** The time step, counted from 1970, that a code belongs to; undefined when it is none of those around now. */
  private stepOf({ sealedSecret }: StoredTotp, userId: string, token: string): number | undefined {
    const bytes = this.box.open(sealedSecret, userId);
    // Without the APP_SECRET that sealed it, the app has to be enrolled anew.
    if (!bytes) return undefined;
    const secret = new Secret({ buffer: new Uint8Array(bytes).buffer });
    const timestamp = this.clock.now().getTime();
    const delta = TOTP.validate({ ...PARAMETERS, token, secret, timestamp, window: WINDOW_STEPS });
    return delta === null ? undefined : TOTP.counter({ ...PARAMETERS, timestamp }) + delta;
  }
}
