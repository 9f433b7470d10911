import { newId } from '#kernel';
import { compareSamples } from '../support/mann-whitney.js';
import type { Answer } from '../support/test-app.js';
import { DEMO_PASSWORD, FORGOT_PASSWORD, LOGIN, UsersFixture } from '../support/users-fixture.js';

const ROUNDS = 120;

let users: UsersFixture;

beforeAll(async () => {
  users = await UsersFixture.start();
  // Each account is tried once: who tries one again and again is paused. Each is at home somewhere.
  await users.sql.query(
    `WITH added AS (
       INSERT INTO users.users (id, email, name, role, password_hash)
       SELECT uuidv7(), 'known.' || n || '@example.com', name, role, password_hash
         FROM users.users, generate_series(0, ${ROUNDS}) n WHERE id = $1 RETURNING id)
     INSERT INTO users.sessions (id, user_id, token_hash, expires_at, network)
     SELECT uuidv7(), id, '', now() + interval '1 day', '192.0.2.' || n FROM added, generate_series(1, 5) n`,
    [users.customer.id],
  );
});

afterAll(() => users.stop());

/**
 * Times a call with a known address and with an unknown one, in turns, so that whatever else the machine does falls on
 * both alike. Without the same work for both one is slower every time: `exceeds` is 0 or 1 then. With it, of so many
 * rounds, chance moves it by 0.04 or so; the bounds are several times that.
 */
async function compareTimes(
  name: string,
  call: (email: string) => Promise<Answer>,
  other = (_round: number) => `${newId()}@example.com`,
): Promise<void> {
  const known: number[] = [];
  const unknown: number[] = [];
  const measure = async (email: string) => {
    const startedAt = performance.now();
    await call(email);
    return performance.now() - startedAt;
  };
  await measure(`known.${ROUNDS}@example.com`);
  for (let round = 0; round < ROUNDS; round += 1) {
    const probes = [
      async () => known.push(await measure(`known.${round}@example.com`)),
      async () => unknown.push(await measure(other(round))),
    ];
    for (const probe of round % 2 === 0 ? probes : probes.reverse()) await probe();
  }
  const { exceeds, z, medians } = compareSamples(known, unknown);
  const [knownMs, unknownMs] = medians.map((median) => median.toFixed(2));
  process.stdout.write(
    `${name}, ${ROUNDS} calls each: median ${knownMs} ms for a known address, ${unknownMs} ms for an unknown one; ` +
      `P(unknown > known) = ${exceeds.toFixed(3)}, z = ${z.toFixed(2)}\n`,
  );
  expect(exceeds).toBeGreaterThan(0.25);
  expect(exceeds).toBeLessThan(0.75);
}

describe('the time of an answer does not tell whether there is an account', () => {
  it('at the log-in', async () => {
    await compareTimes('Log-in', (email) => users.app.post(LOGIN, { email, password: 'not the password' }));
  });

  it('at the log-in of whoever has just registered, where addresses have to be confirmed', async () => {
    const strict = await UsersFixture.start({ USERS_EMAIL_VERIFICATION: 'required' });
    try {
      await strict.sql.query(
        `INSERT INTO users.users (id, email, name, role, password_hash, email_verified_at)
         SELECT uuidv7(), kind || n || '@example.com', name, role, password_hash,
                CASE kind WHEN 'known.' THEN now() END
           FROM users.users, generate_series(0, ${ROUNDS}) n, unnest(ARRAY['known.', 'free.']) kind WHERE id = $1`,
        [strict.customer.id],
      );
      const passwordOf = (email: string) => (email.startsWith('free.') ? DEMO_PASSWORD : 'not the password');
      await compareTimes(
        'Log-in after registration',
        (email) => strict.app.post(LOGIN, { email, password: passwordOf(email) }),
        (round) => `free.${round}@example.com`,
      );
    } finally {
      await strict.stop();
    }
  });

  it('when a new password is asked for', async () => {
    await compareTimes('Forgotten password', (email) => users.app.post(FORGOT_PASSWORD, { email }));
  });
});
