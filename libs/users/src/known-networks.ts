import { Injectable } from '@nestjs/common';
import { Clock, hashOfToken } from '#kernel';
import { Database, statement } from '#platform/database';
import { type Limiter, Limiters } from '#platform/redis';

/** How long a network stays known after a session was opened from it. */
const KNOWN_DAYS = 30;

/** And after its owner was there with a mailed token: long enough to log in. */
const VOUCHED_SECONDS = 3_600;
const NOBODY = '00000000-0000-0000-0000-000000000000';

// It looks for the session of an address that nobody has, too, so that the time tells nothing.
const isKnownNetwork = statement(
  'users.is_known_network',
  `SELECT EXISTS (
     SELECT FROM users.sessions
      WHERE user_id = coalesce(
              (SELECT id FROM users.users WHERE email = $1 AND deleted_at IS NULL), '${NOBODY}'::uuid)
        AND network = $2 AND created_at > $3::timestamptz - interval '${KNOWN_DAYS} days') AS known`,
);

/**
 * From where accounts are used: the networks from which their sessions of late were opened, or from which their owner
 * has just used a mailed token. The latter is kept where pauses are, for that is what it is about.
 */
@Injectable()
export class KnownNetworks {
  private readonly vouched: Limiter;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    limiters: Limiters,
  ) {
    this.vouched = limiters.create({
      ...{ keyPrefix: 'steelyard:vouched-networks', points: 1, duration: VOUCHED_SECONDS },
    });
  }

  /** Whether the account of an e-mail address, given in lower case, is at home in a network. Nobody is, nowhere. */
  async has(email: string, network: string): Promise<boolean> {
    const values = [email, network, this.clock.now()];
    const isKnown =
      (await this.database.queryOne<{ known: boolean }>(isKnownNetwork, values))?.known ?? false;
    const vouched = await this.vouched.get(keyOf(email, network));
    return isKnown || vouched !== null;
  }

  /** Has an account be at home in a network for an hour. */
  async vouchFor(email: string, network: string): Promise<void> {
    await this.vouched.set(keyOf(email, network), 1, VOUCHED_SECONDS);
  }
}

/** A hash: addresses of people have no place in Redis. */
function keyOf(email: string, network: string): string {
  return hashOfToken(`${email} ${network}`).toString('base64url');
}
