import { DomainError, SystemClock } from '#kernel';
import { Config } from '#platform/config';
import { IdentityProvider } from '../../libs/users/src/external-identities/identity-provider.js';
import { OutsideIssuer } from '../support/outside-issuer.js';
import { testSettings } from '../support/test-settings.js';

const DISCOVERY = '/.well-known/openid-configuration';
/** Beyond the pause after a failure, beyond that between two looks for a key, and until keys are asked for anew. */
const PAUSE_MS = 10_001;
const COOLDOWN_MS = 30_001;
const STALE_MS = 600_001;
const DAY_MS = 86_400_001;

let issuer: OutsideIssuer;
let provider: IdentityProvider;
const clock = new SystemClock();
const now = { date: Date.now, clock: clock.now.bind(clock) };

beforeEach(async () => {
  issuer = await OutsideIssuer.start();
  provider = new IdentityProvider(new Config(await testSettings(issuer.settings)), clock);
});
afterEach(async () => {
  Date.now = now.date;
  clock.now = now.clock;
  await issuer.stop();
});

/** Lets time pass for those who wait; tokens do not grow older. */
function pass(ms: number): void {
  const before = Date.now;
  Date.now = () => before() + ms;
}

/** `works`, or the code of the refusal. */
async function outcome(token: Promise<string>): Promise<string> {
  try {
    await provider.verify(await token);
    return 'works';
  } catch (error) {
    return error instanceof DomainError ? error.code : String(error);
  }
}

describe('an outside identity provider', () => {
  it('is asked once for itself and its keys, however many come at once', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome(issuer.token())));
    expect(new Set(outcomes)).toEqual(new Set(['works']));
    expect(issuer.requests).toEqual([DISCOVERY, '/keys']);
  });

  it.each(['RS256', 'PS384', 'ES384', 'EdDSA'])('may sign with %s', async (alg) => {
    await issuer.rotate({ alg });
    expect(await outcome(issuer.token({}, { alg }))).toBe('works');
  });

  it('brings new keys, and takes old ones away', async () => {
    expect(await outcome(issuer.token())).toBe('works');
    const old = issuer.token();
    await old;
    await issuer.rotate();
    pass(COOLDOWN_MS);
    expect(await outcome(issuer.token())).toBe('works');
    expect(await outcome(old)).toBe('works');
    await issuer.rotate({ withdrawing: true });
    pass(STALE_MS);
    expect(await outcome(old)).toBe('invalid_token');
  });

  it('is not asked again for every key that nobody knows', async () => {
    expect(await outcome(issuer.token())).toBe('works');
    issuer.requests.length = 0;
    const flood = (from: number) =>
      Promise.all(Array.from({ length: 20 }, (_, n) => outcome(issuer.token({}, { kid: `k${from + n}` }))));
    expect(new Set(await flood(0))).toEqual(new Set(['invalid_token']));
    expect(issuer.requests).toEqual([]);
    pass(COOLDOWN_MS);
    expect(new Set([...(await flood(20)), ...(await flood(40))])).toEqual(new Set(['invalid_token']));
    expect(issuer.requests).toEqual(['/keys']);
    expect(await outcome(issuer.token())).toBe('works');
  });

  it.each(['away', 'failing', 'lying'] as const)(
    'that is %s is left alone for a while, and nobody knows meanwhile',
    async (mood) => {
      issuer.mood = mood;
      for (let count = 0; count < 5; count += 1) {
        expect(await outcome(issuer.token())).toBe('service_unavailable');
      }
      expect(issuer.requests).toEqual([DISCOVERY]);
      issuer.mood = 'well';
      expect(await outcome(issuer.token())).toBe('service_unavailable');
      pass(PAUSE_MS);
      expect(await outcome(issuer.token())).toBe('works');
    },
  );

  it('that says nothing keeps nobody waiting for long', async () => {
    issuer.mood = 'silent';
    const start = now.date();
    expect(await outcome(issuer.token())).toBe('service_unavailable');
    expect(now.date() - start).toBeLessThan(5_000);
    expect(await outcome(issuer.token())).toBe('service_unavailable');
    expect(issuer.requests).toHaveLength(1);
  });

  it('whose keys are no keys gives none, and is left alone', async () => {
    issuer.keysPath = '/nothing';
    for (let count = 0; count < 3; count += 1) {
      expect(await outcome(issuer.token())).toBe('service_unavailable');
    }
    expect(issuer.requests).toEqual([DISCOVERY, '/nothing']);
    // Discovery says where they are by now.
    issuer.keysPath = '/keys';
    pass(PAUSE_MS);
    expect(await outcome(issuer.token())).toBe('works');
  });

  it('may answer for people somewhere else by now', async () => {
    const claims = { sub: '1', iat: 1 };
    const token = await issuer.token(claims);
    const person = { email: 'ada@example.com', name: 'Ada' };
    issuer.userInfo = { sub: '1', email_verified: true, ...person };
    expect(await provider.personOf(token, claims)).toEqual(person);
    issuer.metadata = { userinfo_endpoint: `${issuer.url}/elsewhere/userinfo` };
    clock.now = () => new Date(now.clock().getTime() + STALE_MS);
    expect(await provider.personOf(token, claims)).toEqual(person);
    expect(await provider.personOf(token, claims)).toEqual(person);
    const moved = '/elsewhere/userinfo';
    expect(issuer.requests).toEqual([DISCOVERY, '/userinfo', DISCOVERY, moved, moved]);
  });

  it('is followed nowhere, neither for itself and its keys nor with a token', async () => {
    const claims = { sub: '1', iat: 1 };
    const token = await issuer.token(claims);
    const person = { email: 'ada@example.com', name: 'Ada' };
    issuer.userInfo = { sub: '1', email_verified: true, ...person };
    issuer.mood = 'moved';
    expect(await outcome(issuer.token())).toBe('service_unavailable');
    expect(issuer.requests).toEqual([DISCOVERY]);
    issuer.mood = 'well';
    pass(PAUSE_MS);
    expect(await provider.personOf(token, claims)).toEqual(person);
    issuer.requests.length = 0;
    issuer.mood = 'moved';
    await expect(provider.personOf(token, claims)).rejects.toMatchObject({ code: 'service_unavailable' });
    expect(issuer.requests).toEqual(['/userinfo']);
  });

  it.each<[string, (url: string) => object]>([
    ['names keys that anybody on the way could change', (url) => ({ jwks_uri: `${url}/keys` })],
    [
      'sends tokens where anybody on the way could read them',
      (url) => ({ userinfo_endpoint: `${url}/userinfo` }),
    ],
    ['says more than anybody has to say', () => ({ padding: 'x'.repeat(1_048_576) })],
  ])('that %s is not believed', async (_, metadata) => {
    // It is this machine, and no address that is always this one.
    issuer.metadata = metadata(issuer.url.replace('127.0.0.1', '0.0.0.0'));
    expect(await outcome(issuer.token())).toBe('service_unavailable');
    expect(issuer.requests).toEqual([DISCOVERY]);
    issuer.metadata = {};
    pass(PAUSE_MS);
    expect(await outcome(issuer.token())).toBe('works');
  });

  it('that has gone away leaves its keys behind, for a day', async () => {
    const token = issuer.token({ exp: Math.floor(now.date() / 1_000) + 200_000 });
    expect(await outcome(token)).toBe('works');
    issuer.mood = 'away';
    pass(STALE_MS);
    for (let count = 0; count < 3; count += 1) expect(await outcome(token)).toBe('works');
    expect(await outcome(issuer.token({}, { kid: 'another' }))).toBe('service_unavailable');
    // One try, and then the pause.
    expect(issuer.requests).toEqual([DISCOVERY, '/keys', '/keys']);
    clock.now = () => new Date(now.clock().getTime() + DAY_MS);
    expect(await outcome(token)).toBe('service_unavailable');
  });
});
