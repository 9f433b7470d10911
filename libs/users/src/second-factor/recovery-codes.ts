import { Injectable } from '@nestjs/common';
import { Clock, hashOfToken } from '#kernel';
import { Database, statement } from '#platform/database';
import { Secret } from 'otpauth';

const CODES = 10;
/** 80 random bits, of which nobody finds one by its hash, so it needs no slow one. */
const CODE_BYTES = 10;

const replaceCodes = statement(
  'users.replace_recovery_codes',
  `WITH replaced AS (DELETE FROM users.recovery_codes WHERE user_id = $1)
   INSERT INTO users.recovery_codes (user_id, code_hash, created_at)
   SELECT $1, code_hash, $3 FROM unnest($2::bytea[]) AS code_hash`,
);
const spendCode = statement(
  'users.spend_recovery_code',
  `UPDATE users.recovery_codes SET used_at = $3
    WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL RETURNING user_id`,
);
const countCodes = statement(
  'users.count_recovery_codes',
  `SELECT count(*) FILTER (WHERE used_at IS NULL)::integer AS left FROM users.recovery_codes WHERE user_id = $1`,
);
const deleteCodes = statement(
  'users.delete_recovery_codes',
  'DELETE FROM users.recovery_codes WHERE user_id = $1',
);

/** Codes to write down for the day when the second factor is lost: each good once, stored as a hash. */
@Injectable()
export class RecoveryCodes {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Ten new codes in place of all that there were. Nobody can see them again. */
  async replace(userId: string): Promise<string[]> {
    const codes = Array.from({ length: CODES }, newCode);
    const hashes = codes.map((code) => hashOf(code));
    await this.database.query(replaceCodes, [userId, hashes, this.clock.now()]);
    return codes;
  }

  /** Takes a code, which is spent by that: of two calls at once with one code one gets true. */
  async accept(userId: string, code: string): Promise<boolean> {
    const values = [userId, hashOf(code), this.clock.now()];
    return (await this.database.queryOne(spendCode, values)) !== undefined;
  }

  /** How many are left to use. */
  async left(userId: string): Promise<number> {
    return (await this.database.queryOne<{ left: number }>(countCodes, [userId]))?.left ?? 0;
  }

  async removeAll(userId: string): Promise<void> {
    await this.database.query(deleteCodes, [userId]);
  }
}

/** Four groups of four letters and digits: none that look alike, since base32 has neither 0 nor 1. */
function newCode(): string {
  return new Secret({ size: CODE_BYTES }).base32.replace(/(.{4})(?=.)/g, '$1-');
}

/** However people write it: case, white space and dashes do not matter. */
function hashOf(code: string): Buffer {
  const letters = code.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
  return hashOfToken(letters);
}
