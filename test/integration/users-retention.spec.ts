import { PruneAccounts } from '#users';
import {
  DEMO_PASSWORD,
  FORGOT_PASSWORD,
  LOGOUT,
  ME,
  PASSWORD,
  registration,
  SESSIONS,
  UsersFixture,
} from '../support/users-fixture.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

let users: UsersFixture;
beforeEach(async () => {
  users = await UsersFixture.start();
});
afterEach(() => users.stop());

/** How many rows there are of what comes to an end. */
async function kept(): Promise<Record<string, number>> {
  const { rows } = await users.sql.query<Record<string, number>>(
    `SELECT (SELECT count(*)::int FROM users.sessions) AS sessions, (SELECT count(*)::int FROM users.tokens) AS tokens,
            (SELECT count(*)::int FROM users.challenges) AS challenges, (SELECT count(*)::int FROM users.totp) AS totp,
            (SELECT count(*)::int FROM users.ended_identities) AS ended`,
  );
  return rows[0]!;
}

const pruneIn = (ms: number, limit = 100) =>
  users.later(ms, () => users.app.app.get(PruneAccounts).execute(limit));

describe('what has come to its end', () => {
  it('goes when its time is over, of whoever does not come back as well, and not before', async () => {
    const gone = await users.registered(registration());
    expect((await users.app.post(LOGOUT, { refreshToken: gone.refreshToken })).status).toBe(204);
    const { token, email } = await users.registered(registration());
    await users.app.post(FORGOT_PASSWORD, { email });
    await users.mailsTo(email);
    await users.app.post('/api/v1/auth/passkey/options', {});
    expect((await users.app.post(`${ME}/totp`, { password: PASSWORD }, { token })).status).toBe(200);
    await users.sql.query(`INSERT INTO users.ended_identities VALUES ('\\x01', now())`);
    expect(await kept()).toEqual({ sessions: 5, tokens: 1, challenges: 1, totp: 1, ended: 1 });

    expect(await pruneIn(4 * MINUTE_MS)).toBe(0);
    expect(await pruneIn(5 * MINUTE_MS + 1_000)).toBe(1);
    expect(await pruneIn(16 * MINUTE_MS)).toBe(2);
    expect(await kept()).toEqual({ sessions: 5, tokens: 0, challenges: 0, totp: 0, ended: 1 });

    expect(await pruneIn(30 * DAY_MS - MINUTE_MS)).toBe(0);
    expect(await pruneIn(30 * DAY_MS + MINUTE_MS)).toBe(2);
    expect(await kept()).toMatchObject({ sessions: 4, ended: 0 });
  });

  it('goes in bites, and nothing that still holds goes with it', async () => {
    const { token, refreshToken } = users.customer;
    for (const email of Array<string>(3).fill(users.customer.email)) {
      const ended = await users.signIn(email, DEMO_PASSWORD);
      expect((await users.app.post(LOGOUT, { refreshToken: ended.refreshToken })).status).toBe(204);
    }
    await users.sql.query(
      `UPDATE users.sessions SET revoked_at = now() - interval '31 days' WHERE revoked_at IS NOT NULL`,
    );
    expect([await pruneIn(0, 2), await pruneIn(0, 2), await pruneIn(0, 2)]).toEqual([2, 1, 0]);
    expect((await users.app.get(SESSIONS, { token })).body.data).toHaveLength(1);
    expect((await users.refresh(refreshToken)).status).toBe(200);
  });

  it('keeps an authenticator app that was confirmed', async () => {
    const { id } = users.customer;
    await users.sql.query(
      `INSERT INTO users.totp (user_id, sealed_secret, created_at, confirmed_at)
       VALUES ($1, '\\x00', now() - interval '1 year', now() - interval '1 year')`,
      [id],
    );
    expect(await pruneIn(DAY_MS)).toBe(0);
    expect(await kept()).toMatchObject({ totp: 1 });
  });
});
