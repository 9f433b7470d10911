import { Injectable } from '@nestjs/common';
import { DomainError, type Role, ROLES } from '#kernel';
import { Config } from '#platform/config';
import type { ExpectedVersions } from '#platform/http';
import { IdentityLinks } from './external-identities/identity-links.js';
import type { User } from './user.row.js';
import { usersErrors } from './users.errors.js';
import { UsersService } from './users.service.js';

/** Gives somebody another role. */
@Injectable()
export class ChangeRole {
  constructor(
    private readonly users: UsersService,
    private readonly identities: IdentityLinks,
    private readonly config: Config,
  ) {}

  /**
   * A higher role ends links to outside identities: they were made by the rules for customers. It goes to nobody whose
   * address is not proven, where addresses are: somebody else may have registered with it.
   *
   * @param expected what the caller saw
   * @throws DomainError user_not_found, stale_etag, email_not_proven, own_admin_role, last_admin
   */
  async execute(id: string, expected: ExpectedVersions, role: Role): Promise<User> {
    return this.users.update(id, expected, { role }, async (before) => {
      const isHigher = ROLES.indexOf(role) > ROLES.indexOf(before.role);
      if (!isHigher) return;
      const isProven = before.emailVerifiedAt !== null;
      if (!isProven && this.config.settings.USERS_EMAIL_VERIFICATION !== 'none') {
        throw new DomainError(usersErrors.email_not_proven);
      }
      await this.identities.endAll(before);
    });
  }
}
