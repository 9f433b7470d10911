import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { Config } from '#platform/config';
import { type Backoff, Backoffs } from './backoff.js';
import { KnownNetworks } from './known-networks.js';
import { Passwords } from './passwords.js';
import { currentOrigin } from './session-origin.js';
import type { ProvenUser, User } from './user.row.js';
import { usersErrors } from './users.errors.js';
import { UsersService } from './users.service.js';

/** A person mistypes. */
const PER_ACCOUNT = { name: 'account', freeFailures: 5, memorySeconds: 3_600, longestPauseSeconds: 300 };
/** Behind one address may be a whole office. */
const PER_ADDRESS = { name: 'address', freeFailures: 20, memorySeconds: 900, longestPauseSeconds: 300 };

/**
 * Every place where a password is claimed: guesses are slowed down, for each account and for each network. From a
 * network where an account is at home they count apart, so that strangers who fail on purpose lock nobody out there.
 */
@Injectable()
export class PasswordCheck {
  private readonly accounts: Backoff;
  private readonly addresses: Backoff;

  constructor(
    private readonly users: UsersService,
    private readonly passwords: Passwords,
    private readonly networks: KnownNetworks,
    private readonly config: Config,
    backoffs: Backoffs,
  ) {
    this.accounts = backoffs.create(PER_ACCOUNT);
    this.addresses = backoffs.create(PER_ADDRESS);
  }

  /**
   * The user with this e-mail address, if the password is theirs. Whether nobody has the address or the password is
   * wrong, the answer, its time and the pauses are the same.
   *
   * @throws DomainError rate_limited, service_unavailable
   */
  async identify(email: string, password: string): Promise<ProvenUser | undefined> {
    const { network } = currentOrigin();
    // Without limits per address, as behind a proxy that is not told of, the accounts stay guarded.
    if (network === null || !this.config.settings.RATE_LIMIT_ENABLED) return this.attempt(email, password);
    await this.addresses.begin(network);
    const user = await this.attempt(email, password).catch(async (error: unknown) => {
      await this.addresses.takeBack(network);
      throw error;
    });
    if (user) await this.addresses.takeBack(network);
    return user;
  }

  /**
   * Passes a user who knows their password, which may change again at once: what it allows is done in a transaction
   * that holds the user by what was proven.
   *
   * @throws DomainError wrong_password, rate_limited, service_unavailable
   */
  async require({ id, email }: Pick<User, 'id' | 'email'>, password: string): Promise<ProvenUser> {
    const user = await this.attempt(email, password, () => this.users.findWithPassword(id));
    if (!user) throw new DomainError(usersErrors.wrong_password);
    return user;
  }

  /**
   * Keeps a user and their password as they were proven, until the running transaction ends.
   *
   * @throws DomainError wrong_password when the password is another by now, or the user is gone
   */
  async hold({ id, passwordHash }: ProvenUser): Promise<void> {
    if (!(await this.users.hold(id, passwordHash))) throw new DomainError(usersErrors.wrong_password);
  }

  private async attempt(
    email: string,
    password: string,
    find = () => this.users.findByEmail(email),
  ): Promise<ProvenUser | undefined> {
    const { network } = currentOrigin();
    const isAtHome = network !== null && (await this.networks.has(email, network));
    return this.accounts.attempt(isAtHome ? `${email} ${network}` : email, async () => {
      const user = await find();
      const isProven = await this.passwords.verify(user?.passwordHash, password);
      return isProven ? user : undefined;
    });
  }
}
