import { Injectable } from '@nestjs/common';
import { ROLES } from '#kernel';
import { currentActor } from '#platform/context';
import { Database } from '#platform/database';
import { AccessPolicy } from '#platform/security';
import { AccountService } from './account.service.js';
import { IdentityLinks } from './external-identities/identity-links.js';
import { SecondFactors } from './second-factor/second-factors.js';
import type { User } from './user.row.js';
import type { UserChange } from './users.schema.js';
import { UsersService } from './users.service.js';

/** Changes somebody else's account: customers are staff's to change; roles, and who has one, an administrator's. */
@Injectable()
export class UpdateUser {
  constructor(
    private readonly users: UsersService,
    private readonly accounts: AccountService,
    private readonly secondFactors: SecondFactors,
    private readonly identities: IdentityLinks,
    private readonly policy: AccessPolicy,
    private readonly database: Database,
  ) {}

  /**
   * Changes the fields that `change` names. A new address waits to be confirmed, the old one is told, and what was
   * mailed to it is worth nothing any more. A higher role ends links to outside identities.
   *
   * @param version what the caller saw; undefined: whatever it is by now
   * @throws DomainError user_not_found, stale_etag, email_taken, own_admin_role, last_admin; forbidden and
   *   insufficient_aal to whom may not change roles, or not this user, or not the address of who has a second factor
   */
  async execute(id: string, version: number | undefined, change: UserChange): Promise<User> {
    return this.database.transaction(async () => {
      let old: Pick<User, 'email' | 'role'> | undefined;
      const user = await this.users.update(id, version, change, async (before) => {
        if (change.role !== undefined || before.role !== 'customer') {
          this.policy.admit(currentActor(), 'users:roles');
        }
        const { email = before.email } = change;
        // The first proof of the new address takes second factors away.
        if (email !== before.email && (await this.secondFactors.methodsOf(id)).length > 0) {
          this.policy.admit(currentActor(), 'users:recover');
        }
        old = { email: before.email, role: before.role };
      });
      if (old && old.email !== user.email) await this.accounts.moved(user, old.email);
      // Its link was made by the rules for customers.
      else if (old && ROLES.indexOf(user.role) > ROLES.indexOf(old.role)) await this.identities.endAll(user);
      return user;
    });
  }
}
