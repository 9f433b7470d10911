import { Injectable } from '@nestjs/common';
import { type Role, ROLES } from '#kernel';
import type { ExpectedVersions } from '#platform/http';
import { IdentityLinks } from './external-identities/identity-links.js';
import type { User } from './user.row.js';
import { UsersService } from './users.service.js';

/** Gives somebody another role. */
@Injectable()
export class ChangeRole {
  constructor(
    private readonly users: UsersService,
    private readonly identities: IdentityLinks,
  ) {}

  /**
   * A higher role ends links to outside identities: they were made by the rules for customers.
   *
   * @param expected what the caller saw
   * @throws DomainError user_not_found, stale_etag, own_admin_role, last_admin
   */
  async execute(id: string, expected: ExpectedVersions, role: Role): Promise<User> {
    return this.users.update(id, expected, { role }, async (before) => {
      const isHigher = ROLES.indexOf(role) > ROLES.indexOf(before.role);
      if (isHigher) await this.identities.endAll(before);
    });
  }
}
