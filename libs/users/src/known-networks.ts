import { Injectable } from '@nestjs/common';
import { Clock } from '#kernel';
import { Database, statement } from '#platform/database';

/** How long a network stays known after a session was opened from it. */
const KNOWN_DAYS = 30;
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

/** From where accounts are used: the networks from which their sessions of late were opened. */
@Injectable()
export class KnownNetworks {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Whether the account of an e-mail address, given in lower case, is at home in a network. Nobody is, nowhere. */
  async has(email: string, network: string): Promise<boolean> {
    const values = [email, network, this.clock.now()];
    return (await this.database.queryOne<{ known: boolean }>(isKnownNetwork, values))?.known ?? false;
  }
}
