import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { Config } from '#platform/config';
import { addressBlock } from '#platform/security';
import { Backoff } from './backoff.js';
import { Passwords } from './passwords.js';
import type { ProvenUser, User } from './user.row.js';
import { usersErrors } from './users.errors.js';
import { UsersService } from './users.service.js';

/** A person mistypes; and whoever wants to lock them out by failing on purpose must not get far. */
const PER_ACCOUNT = { name: 'account', freeFailures: 5, memorySeconds: 3_600, longestPauseSeconds: 300 };
/** Behind one address may be a whole office. */
const PER_ADDRESS = { name: 'address', freeFailures: 20, memorySeconds: 900, longestPauseSeconds: 300 };

/** Every place where a password is claimed: guesses are slowed down, for each account and for each network address. */
@Injectable()
export class PasswordCheck {
  private readonly accounts = new Backoff(PER_ACCOUNT);
  private readonly addresses = new Backoff(PER_ADDRESS);

  constructor(
    private readonly users: UsersService,
    private readonly passwords: Passwords,
    private readonly config: Config,
  ) {}

  /**
   * The user with this e-mail address, if the password is theirs. Whether nobody has the address or the password is
   * wrong, the answer, its time and the pauses are the same.
   *
   * @param address where the call comes from
   * @throws DomainError rate_limited, service_unavailable
   */
  async identify(email: string, password: string, address: string): Promise<ProvenUser | undefined> {
    const verify = async () => {
      const user = await this.users.findByEmail(email);
      const isProven = await this.passwords.verify(user?.passwordHash, password);
      return isProven ? user : undefined;
    };
    if (!this.config.settings.RATE_LIMIT_ENABLED) return verify();
    // Whoever has one address of a network has all of them.
    const block = addressBlock(address);
    await this.addresses.begin(block);
    const user = await this.accounts.attempt(email, verify).catch(async (error: unknown) => {
      await this.addresses.takeBack(block);
      throw error;
    });
    if (user) await this.addresses.takeBack(block);
    return user;
  }

  /**
   * Passes a user who knows their password, which may change again at once: what it allows is done in a transaction
   * that holds the user by what was proven.
   *
   * @throws DomainError wrong_password, rate_limited, service_unavailable
   */
  async require({ id, email }: Pick<User, 'id' | 'email'>, password: string): Promise<ProvenUser> {
    const verify = async () => {
      const user = await this.users.findWithPassword(id);
      const isProven = await this.passwords.verify(user?.passwordHash, password);
      return isProven ? user : undefined;
    };
    const user = await (this.config.settings.RATE_LIMIT_ENABLED
      ? this.accounts.attempt(email, verify)
      : verify());
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
}
