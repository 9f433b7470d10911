import { userInfo } from 'node:os';
import { type ProcessEnd, spawnApp } from '../support/spawn-app.js';
import { PASSWORD, registration, UsersFixture, USERS } from '../support/users-fixture.js';

let users: UsersFixture;

beforeAll(async () => {
  users = await UsersFixture.start();
});

afterAll(() => users.stop());

/** `steelyard users role` on the host of the database. */
async function role(...args: string[]): Promise<{ end: ProcessEnd; output: string }> {
  const env = { DATABASE_URL: users.app.database.url };
  const process = spawnApp('apps/cli/src/main.ts', { env, args: ['users', 'role', ...args] });
  return { end: await process.ended, output: process.output };
}

describe('steelyard users role', () => {
  it('makes the first administrator, which the audit log tells', async () => {
    const person = registration();
    const { body: made } = await users.app.post(USERS, person);
    const ended = await role(person.email.toUpperCase(), 'admin', '--reason', 'the first administrator');
    expect(ended).toEqual({ end: 0, output: expect.stringContaining('has the role admin now') });
    const admin = await users.signIn(person.email, PASSWORD);
    const log = await users.app.get(`/api/v1/admin/audit-log?target=${made.id}`, { token: admin.token });
    expect(log.status).toBe(200);
    expect(log.body.data).toMatchObject([
      {
        actor: `host:${userInfo().username}`,
        action: 'steelyard users role',
        reason: 'the first administrator',
        details: { role: 'admin' },
      },
    ]);
  });

  it.each([
    ['an address that nobody has', ['nobody@example.com', 'admin', '--reason', 'x'], /Nobody is registered/],
    ['no reason', ['ada@example.com', 'admin'], /--reason/],
  ])('refuses %s', async (_, args, message) => {
    const { end, output } = await role(...args);
    expect([end === 0, output]).toEqual([false, expect.stringMatching(message)]);
  });
});
