import { newId, type Role } from '#kernel';
import { AccessTokens } from '#platform/security';
import { Sessions } from '../../libs/users/src/sessions.js';
import { UsersService } from '../../libs/users/src/users.service.js';
import type { TestApp } from './test-app.js';

/** The access token of a new user of this role, whose session is open; without the cost of a password. */
export async function liveToken({ app }: TestApp, role: Role): Promise<string> {
  const person = { email: `${newId()}@example.com`, name: 'Grace', passwordHash: '!' };
  const { id: userId } = await app.get(UsersService).add({ ...person, role });
  const session = await app.get(Sessions).open(userId, null, { aal: 1, amr: ['pwd'] });
  return app.get(AccessTokens).issue({ userId, role, ...session });
}
