import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock, DomainError, hashOfToken } from '#kernel';
import { Database, statement } from '#platform/database';
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

/** Mails with a good token that a user may have for a purpose: strangers ask for them, too. */
export const MAX_LIVE_MAILS = 5;

const storeToken = statement(
  'users.store_token',
  `INSERT INTO users.tokens (user_id, purpose, token_hash, email, expires_at, mail_id)
   SELECT $1, $2, $3, $4, $5, $6
    WHERE (SELECT count(DISTINCT mail_id) FROM users.tokens
            WHERE user_id = $1 AND purpose = $2 AND expires_at > $7 AND mail_id <> $6) < ${MAX_LIVE_MAILS}
   RETURNING purpose`,
);
const readToken = statement(
  'users.read_token',
  `SELECT user_id AS "userId", email FROM users.tokens
    WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3`,
);
const spendTokens = statement(
  'users.spend_tokens',
  `DELETE FROM users.tokens WHERE purpose = $2 AND user_id = (
     SELECT user_id FROM users.tokens WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3)
   RETURNING purpose`,
);
const pruneTokens = statement(
  'users.prune_tokens',
  `DELETE FROM users.tokens WHERE token_hash IN (
     SELECT token_hash FROM users.tokens WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
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

  /**
   * A new token, to be mailed to `email`, in the running transaction. Those that were mailed before stay good: whoever
   * asks for another may be a stranger.
   *
   * @param mailId the mail that it is for, the same for each attempt to send it
   * @returns undefined while as many mails as there may be have one that is good, which bounds what strangers have sent
   */
  async issue(
    purpose: TokenPurpose,
    { userId, email }: MailedProof,
    mailId: string,
  ): Promise<string | undefined> {
    // Of two that are written at once the other one has to be counted first.
    await this.database.lock('tokens', userId);
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    const now = this.clock.now();
    const expiresAt = new Date(now.getTime() + TOKEN_LIFETIME_MINUTES * 60_000);
    const values = [userId, purpose, hashOfToken(token), email, expiresAt, mailId, now];
    return (await this.database.queryOne(storeToken, values)) && token;
  }

  /**
   * What a token proves, which is not spent by that: before anything is done for its holder that costs much.
   *
   * @throws DomainError invalid_or_expired_token, whatever is wrong with it
   */
  async read(purpose: TokenPurpose, token: string): Promise<MailedProof> {
    const values = [hashOfToken(token), purpose, this.clock.now()];
    const proof = await this.database.queryOne<MailedProof>(readToken, values);
    if (!proof) throw new DomainError(usersErrors.invalid_or_expired_token);
    return proof;
  }

  /**
   * Takes a token back, and the user's others for the same purpose, in the transaction of what it allows, once that has
   * locked the user: whoever ends the tokens of a user locks in the same order.
   *
   * @throws DomainError invalid_or_expired_token, whatever is wrong with it
   */
  async spend(purpose: TokenPurpose, token: string): Promise<void> {
    const values = [hashOfToken(token), purpose, this.clock.now()];
    const spent = await this.database.query(spendTokens, values);
    if (spent.length === 0) throw new DomainError(usersErrors.invalid_or_expired_token);
  }

  /** Ends every token of a user. */
  async endAll(userId: string): Promise<void> {
    await this.database.query(endTokensOfUser, [userId]);
  }

  /** Takes away at most `limit` tokens that have expired; how many went. */
  async prune(limit: number): Promise<number> {
    return (await this.database.query(pruneTokens, [this.clock.now(), limit])).length;
  }
}
