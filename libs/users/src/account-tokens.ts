import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock, DomainError, hashOfToken } from '#kernel';
import { Database, statement, type Statement } from '#platform/database';
import { usersErrors } from './users.errors.js';

/** What the holder of a token may do with it, once. */
export type TokenPurpose = 'verify_email' | 'reset_password' | 'change_email';

/** What a token proves: this user can read what is mailed to this address. */
export interface MailedProof {
  readonly userId: string;
  readonly email: string;
}

const TOKEN_BYTES = 32;
export const TOKEN_LIFETIME_MINUTES = 15;

const storeToken = statement(
  'users.store_token',
  `INSERT INTO users.tokens (user_id, purpose, token_hash, email, expires_at) VALUES ($1, $2, $3, $4, $5)
   ON CONFLICT (user_id, purpose) DO UPDATE
     SET token_hash = excluded.token_hash, email = excluded.email, expires_at = excluded.expires_at`,
);
const readToken = statement(
  'users.read_token',
  `SELECT user_id AS "userId", email FROM users.tokens
    WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3`,
);
const spendToken = statement(
  'users.spend_token',
  `DELETE FROM users.tokens WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3
   RETURNING user_id AS "userId", email`,
);
const pruneTokens = statement(
  'users.prune_tokens',
  `DELETE FROM users.tokens WHERE (user_id, purpose) IN (
     SELECT user_id, purpose FROM users.tokens WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
   RETURNING purpose`,
);
const endTokensOfUser = statement('users.end_tokens_of_user', 'DELETE FROM users.tokens WHERE user_id = $1');

/**
 * Tokens that are mailed and prove, for 15 minutes and once, that their holder reads the mail of an address. Only
 * their hash is stored: who reads the database finds no token.
 */
@Injectable()
export class AccountTokens {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** A new token, to be mailed to `email`. The user's older one for the same purpose ends. */
  async issue(purpose: TokenPurpose, { userId, email }: MailedProof): Promise<string> {
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    const expiresAt = new Date(this.clock.now().getTime() + TOKEN_LIFETIME_MINUTES * 60_000);
    await this.database.query(storeToken, [userId, purpose, hashOfToken(token), email, expiresAt]);
    return token;
  }

  /**
   * What a token proves, which is not spent by that: before anything is done for its holder that costs much.
   *
   * @throws DomainError invalid_or_expired_token, whatever is wrong with it
   */
  read(purpose: TokenPurpose, token: string): Promise<MailedProof> {
    return this.proofFrom(readToken, purpose, token);
  }

  /**
   * Takes a token back, in the transaction of what it allows, once that has locked the user: whoever ends the tokens
   * of a user locks in the same order.
   *
   * @throws DomainError invalid_or_expired_token, whatever is wrong with it
   */
  async spend(purpose: TokenPurpose, token: string): Promise<void> {
    await this.proofFrom(spendToken, purpose, token);
  }

  /** Ends every token of a user. */
  async endAll(userId: string): Promise<void> {
    await this.database.query(endTokensOfUser, [userId]);
  }

  /** Takes away at most `limit` tokens that have expired; how many went. */
  async prune(limit: number): Promise<number> {
    return (await this.database.query(pruneTokens, [this.clock.now(), limit])).length;
  }

  private async proofFrom(query: Statement, purpose: TokenPurpose, token: string): Promise<MailedProof> {
    const values = [hashOfToken(token), purpose, this.clock.now()];
    const proof = await this.database.queryOne<MailedProof>(query, values);
    if (!proof) throw new DomainError(usersErrors.invalid_or_expired_token);
    return proof;
  }
}
