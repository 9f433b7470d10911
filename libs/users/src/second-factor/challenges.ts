import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock, hashOfToken } from '#kernel';
import { Database, statement } from '#platform/database';

/**
 * What a challenge was given out for, and is good for: the second factor of a log-in, a proof by somebody who is logged
 * in (to raise the session or, with the password, to change their second factors), a log-in by passkey alone, a new
 * passkey.
 */
export type ChallengePurpose = 'second_factor' | 'step_up' | 'passkey_login' | 'passkey_registration';

const CHALLENGE_BYTES = 32;
export const CHALLENGE_LIFETIME_SECONDS = 300;

const storeChallenge = statement(
  'users.store_challenge',
  'INSERT INTO users.challenges (challenge_hash, purpose, user_id, expires_at) VALUES ($1, $2, $3, $4)',
);
const readChallenge = statement(
  'users.read_challenge',
  `SELECT user_id AS "userId" FROM users.challenges
    WHERE challenge_hash = $1 AND purpose = $2 AND user_id IS NOT NULL AND expires_at > $3`,
);
const spendChallenge = statement(
  'users.spend_challenge',
  `DELETE FROM users.challenges
    WHERE challenge_hash = $1 AND purpose = $2 AND user_id IS NOT DISTINCT FROM $3 AND expires_at > $4
   RETURNING purpose`,
);
const endChallengesOfUser = statement(
  'users.end_challenges_of_user',
  'DELETE FROM users.challenges WHERE user_id = $1',
);
const pruneChallenges = statement(
  'users.prune_challenges',
  `DELETE FROM users.challenges WHERE challenge_hash IN (
     SELECT challenge_hash FROM users.challenges WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
   RETURNING purpose`,
);

/**
 * What somebody has to answer within five minutes, once: with a second factor, or with the signature of a passkey. Only
 * hashes are stored, in the database, so that any replica can take the answer.
 */
@Injectable()
export class Challenges {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * A new challenge, in base64url.
   *
   * @param userId who has to answer; absent where only the answer tells
   */
  async issue(purpose: ChallengePurpose, userId?: string): Promise<string> {
    const challenge = randomBytes(CHALLENGE_BYTES).toString('base64url');
    const expiresAt = new Date(this.clock.now().getTime() + CHALLENGE_LIFETIME_SECONDS * 1000);
    await this.database.query(storeChallenge, [hashOfToken(challenge), purpose, userId ?? null, expiresAt]);
    return challenge;
  }

  /** Who has to answer this challenge, which is not spent by that; undefined when it is none, or is none any more. */
  async userOf(purpose: ChallengePurpose, challenge: string): Promise<string | undefined> {
    const values = [hashOfToken(challenge), purpose, this.clock.now()];
    return (await this.database.queryOne<{ userId: string }>(readChallenge, values))?.userId;
  }

  /** Takes a challenge back; whether it was one, of this user, and had not been taken back before. */
  async spend(purpose: ChallengePurpose, challenge: string, userId?: string): Promise<boolean> {
    const values = [hashOfToken(challenge), purpose, userId ?? null, this.clock.now()];
    return (await this.database.queryOne(spendChallenge, values)) !== undefined;
  }

  /** Ends every challenge of a user. */
  async endAll(userId: string): Promise<void> {
    await this.database.query(endChallengesOfUser, [userId]);
  }

  /** Takes away at most `limit` challenges that nobody has answered in time; how many went. */
  async prune(limit: number): Promise<number> {
    return (await this.database.query(pruneChallenges, [this.clock.now(), limit])).length;
  }
}
