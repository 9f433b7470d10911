import { Redis, TokenBucketFactory } from '#platform/redis';
import { eventually } from '../support/eventually.js';
import { HAS_REDIS, RedisServer } from '../support/redis-server.js';
import { TestApp } from '../support/test-app.js';

const PRODUCTS = '/api/v1/products';

const whereThereIsOne = HAS_REDIS ? describe : describe.skip;
if (!HAS_REDIS) process.stderr.write('Skipped: there is no redis-server on this machine to share counts.\n');

whereThereIsOne('processes that share a Redis', () => {
  let redis: RedisServer;
  let apps: TestApp[];

  beforeEach(async () => {
    redis = await RedisServer.start();
    const settings = {
      REDIS_URL: redis.url,
      RATE_LIMIT_ENABLED: 'true',
      RATE_LIMIT_REQUESTS_PER_MINUTE: '10',
    };
    apps = await Promise.all([TestApp.start(settings), TestApp.start(settings)]);
    await connected(true);
  });

  afterEach(async () => {
    redis.thaw();
    await Promise.all(apps.map((app) => app.stop()));
    await redis.stop();
  });

  /** Waits until all processes know that Redis is there, or is not. */
  const connected = (isReady: boolean) =>
    eventually(() => {
      const states = apps.map(({ app }) => app.get(Redis).client?.isReady);
      expect(states).toEqual(apps.map(() => isReady));
      return Promise.resolve();
    });

  /** So many calls, at each process in turn. */
  async function call(count: number): Promise<number[]> {
    const statuses: number[] = [];
    for (let index = 0; index < count; index += 1) {
      statuses.push((await apps[index % apps.length]!.get(PRODUCTS)).status);
    }
    return statuses;
  }

  const times = (count: number, status: number) => Array<number>(count).fill(status);

  it('count together', async () => {
    expect(await call(12)).toEqual([...times(10, 200), 429, 429]);
  });

  it('get tokens back as they flow in, whichever of them took the others', async () => {
    const size = { keyPrefix: 'steelyard:test', capacity: 2, refillSeconds: 4 };
    const [one, other] = apps.map(({ app }) => app.get(TokenBucketFactory).create(size));
    expect(await one!.take('a')).toMatchObject({ isTaken: true, left: 1 });
    expect(await other!.take('a')).toMatchObject({ isTaken: true, left: 0 });
    const refused = await one!.take('a');
    expect(refused).toMatchObject({ isTaken: false, left: 0 });
    expect(refused.nextMs).toBeGreaterThan(0);
    expect(refused.nextMs).toBeLessThanOrEqual(2_000);
    await eventually(async () => expect(await other!.take('a')).toMatchObject({ isTaken: true, left: 0 }));
    expect(await one!.take('a')).toMatchObject({ isTaken: false });
    expect(await one!.take('b')).toMatchObject({ isTaken: true, left: 1 });
  });

  it('slow down together whoever guesses a password, and keep no address of anybody there', async () => {
    const email = 'nobody@example.com';
    const statuses: number[] = [];
    for (let index = 0; index < 8; index += 1) {
      const guess = { email, password: 'not the password' };
      statuses.push((await apps[index % apps.length]!.post('/api/v1/auth/login', guess)).status);
    }
    expect(statuses).toEqual([...times(6, 401), ...times(2, 429)]);
    const keys = await apps[0]!.app.get(Redis).client!.keys('*');
    expect(keys).toContainEqual(expect.stringMatching(/^steelyard:backoff:account-pauses:/));
    expect(keys.join()).not.toContain(email);
    await redis.stop();
    await connected(false);
    expect((await apps[0]!.post('/api/v1/auth/login', { email, password: 'x' })).status).toBe(401);
  });

  it('count each for itself while it is gone, and together when it is back', async () => {
    expect(await call(4)).toEqual(times(4, 200));
    await redis.stop();
    await connected(false);
    expect(await call(22)).toEqual([...times(20, 200), 429, 429]);
    await redis.start();
    await connected(true);
    expect(await call(12)).toEqual([...times(10, 200), 429, 429]);
  });

  it('wait for it no longer than a moment when it says nothing', async () => {
    redis.freeze();
    const startedAt = performance.now();
    expect(await call(2)).toEqual(times(2, 200));
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    await connected(false);
    redis.thaw();
    await connected(true);
    expect(await call(2)).toEqual(times(2, 200));
  });
});
