import { Injectable } from '@nestjs/common';
import { Clock, DomainError, type Role } from '#kernel';
import { Config } from '#platform/config';
import { runAsSystem } from '#platform/context';
import { DEMO_PASSWORD } from './password-strength.js';
import { Passwords } from './passwords.js';
import { usersErrors } from './users.errors.js';
import { UsersService } from './users.service.js';

/** An account to try the API with. Its password is public, so it must never exist in production. */
export interface DemoAccount {
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly password: string;
}

const ACCOUNTS: readonly DemoAccount[] = [
  { email: 'admin@example.com', name: 'Demo Admin', role: 'admin', password: DEMO_PASSWORD },
  { email: 'staff@example.com', name: 'Demo Staff', role: 'staff', password: DEMO_PASSWORD },
  { email: 'customer@example.com', name: 'Demo Customer', role: 'customer', password: DEMO_PASSWORD },
];

/** The demo accounts of the embedded size. */
@Injectable()
export class DemoUsers {
  constructor(
    private readonly users: UsersService,
    private readonly passwords: Passwords,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /**
   * Creates the accounts that do not exist yet and returns all of them.
   *
   * @throws Error in production
   */
  async ensure(): Promise<readonly DemoAccount[]> {
    if (this.config.isProduction) {
      throw new Error('Demo accounts are refused when NODE_ENV=production: their password is public.');
    }
    await runAsSystem('demo-data', () => Promise.all(ACCOUNTS.map((account) => this.ensureAccount(account))));
    return ACCOUNTS;
  }

  private async ensureAccount({ password, ...account }: DemoAccount): Promise<void> {
    if (await this.users.findByEmail(account.email)) return;
    try {
      await this.users.add({
        ...account,
        passwordHash: await this.passwords.hash(password),
        emailVerifiedAt: this.clock.now(),
      });
    } catch (error) {
      // Another process that started at the same time was faster.
      if (!(error instanceof DomainError) || error.code !== usersErrors.email_taken.code) throw error;
    }
  }
}
