import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { Config } from '#platform/config';
import { type Backoff, Backoffs } from './backoff.js';
import { currentUser } from './current-user.js';
import { KnownNetworks } from './known-networks.js';
import { DEMO_PASSWORD } from './password-strength.js';
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
 * network where an account is at home, in a session, and beside a mailed token they count apart, so that strangers who
 * fail on purpose lock nobody out who has one of these. See docs/adr/0024.
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
   * @param mayEnter whom not is nobody, with the right password as well
   * @throws DomainError rate_limited, service_unavailable
   */
  async identify(
    email: string,
    password: string,
    mayEnter: (user: User) => boolean,
  ): Promise<ProvenUser | undefined> {
    const { network } = currentOrigin();
    const prove = async () => {
      const user = await this.prove(() => this.users.findByEmail(email), password);
      return user && mayEnter(user) ? user : undefined;
    };
    if (network !== null && (await this.networks.has(email, network))) {
      // Neighbours behind the same address pause nobody who is at home there.
      return this.accounts.attempt(homeKey(email, network), prove);
    }
    const attempt = () => this.accounts.attempt(email, prove);
    // Without limits per address, as behind a proxy that is not told of, the accounts stay guarded.
    if (network === null || !this.config.settings.RATE_LIMIT_ENABLED) return attempt();
    await this.addresses.begin(network);
    const user = await attempt().catch(async (error: unknown) => {
      await this.addresses.takeBack(network);
      throw error;
    });
    if (user) await this.addresses.takeBack(network);
    return user;
  }

  /**
   * Passes the user who calls, if they know their password, which may change again at once: what it allows is done in a
   * transaction that holds the user by what was proven. Tries count for their session, which strangers do not have; at
   * an outside identity provider one can have as many as one likes, so there they count for all of them.
   *
   * @throws DomainError wrong_password, rate_limited, user_not_found, service_unavailable
   */
  async requireOfCaller(password: string): Promise<ProvenUser> {
    const { userId, sessionId, issuer } = currentUser();
    const user = await this.users.get(userId);
    return this.require(user, password, issuer === undefined ? `session:${sessionId}` : `issuer:${issuer}`);
  }

  /**
   * The same for a user and whoever holds a token that was mailed to them, which strangers do not have either.
   *
   * @throws DomainError wrong_password, rate_limited, service_unavailable
   */
  async requireOfHolder(token: string, user: User, password: string): Promise<ProvenUser> {
    return this.require(user, password, `token:${token}`);
  }

  /**
   * Has the owner of an account, who has shown that they are, log in from where they are now without the pauses that
   * others, or they themselves, have started.
   */
  async welcome(email: string): Promise<void> {
    const { network } = currentOrigin();
    if (network === null) return;
    await this.networks.vouchFor(email, network);
    await this.accounts.forget(homeKey(email, network));
  }

  /**
   * Keeps a user and their password as they were proven, until the running transaction ends.
   *
   * @throws DomainError wrong_password when the password is another by now, or the user is gone
   */
  async hold({ id, passwordHash }: ProvenUser): Promise<void> {
    if (!(await this.users.hold(id, passwordHash))) throw new DomainError(usersErrors.wrong_password);
  }

  private async require({ id, email }: User, password: string, proof: string): Promise<ProvenUser> {
    const prove = () => this.prove(() => this.users.findWithPassword(id), password);
    const user = await this.accounts.attempt(`${email} ${proof}`, prove);
    if (!user) throw new DomainError(usersErrors.wrong_password);
    return user;
  }

  private async prove(
    find: () => Promise<ProvenUser | undefined>,
    password: string,
  ): Promise<ProvenUser | undefined> {
    const user = await find();
    const isProven = await this.passwords.verify(user?.passwordHash, password);
    return isProven && this.isSecret(password) ? user : undefined;
  }

  /** A database in which demo accounts were made may serve anything later; what everybody knows opens nothing then. */
  private isSecret(password: string): boolean {
    return this.config.settings.DEMO_DATA || password !== DEMO_PASSWORD;
  }
}

/** Under which tries count from a network where an account is at home. */
function homeKey(email: string, network: string): string {
  return `${email} ${network}`;
}
