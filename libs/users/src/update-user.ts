import { Injectable } from '@nestjs/common';
import { currentActor } from '#platform/context';
import { Database } from '#platform/database';
import type { ExpectedVersions } from '#platform/http';
import { AccessPolicy } from '#platform/security';
import { AccountService } from './account.service.js';
import { SecondFactors } from './second-factor/second-factors.js';
import type { User } from './user.row.js';
import type { UserChange } from './users.schema.js';
import { UsersService } from './users.service.js';

/** Changes somebody else's account: customers are staff's to change; who has another role, an administrator's. */
@Injectable()
export class UpdateUser {
  constructor(
    private readonly users: UsersService,
    private readonly accounts: AccountService,
    private readonly secondFactors: SecondFactors,
    private readonly policy: AccessPolicy,
    private readonly database: Database,
  ) {}

  /**
   * Changes the fields that `change` names. A new address waits to be confirmed, the old one is told, and what was
   * mailed to it is worth nothing any more.
   *
   * @param expected what the caller saw
   * @throws DomainError user_not_found, stale_etag, email_taken; forbidden and insufficient_aal to whom may not change
   *   this user, or no address: whoever moves an account to another address can log in to it; or not the address of
   *   who has a second factor, which the first proof of a new one takes away
   */
  async execute(id: string, expected: ExpectedVersions, change: UserChange): Promise<User> {
    return this.database.transaction(async () => {
      let old: User | undefined;
      const user = await this.users.update(id, expected, change, async (before) => {
        if (before.role !== 'customer') this.policy.admit(currentActor(), 'users:roles');
        old = { ...before };
        if (change.email === undefined) return;
        this.policy.admit(currentActor(), 'users:readdress');
        if (change.email === before.email) return;
        const hasSecondFactor = (await this.secondFactors.methodsOf(id)).length > 0;
        if (hasSecondFactor) this.policy.admit(currentActor(), 'users:recover');
      });
      if (old !== undefined && old.email !== user.email) await this.accounts.moved(user, old);
      return user;
    });
  }
}
