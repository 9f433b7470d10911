import { availableParallelism } from 'node:os';
import { Config, loadSettings } from '#platform/config';
import type { Metrics } from '#platform/telemetry';
import { Passwords } from './passwords.js';

/** What the metrics were told. */
const told = { refused: 0, mostRunning: 0, mostWaiting: 0, last: { running: 0, waiting: 0 } };
const metrics = {
  countRefusedHash: () => (told.refused += 1),
  setPasswordHashes: (now: { running: number; waiting: number }) => {
    told.mostRunning = Math.max(told.mostRunning, now.running);
    told.mostWaiting = Math.max(told.mostWaiting, now.waiting);
    told.last = now;
  },
} as unknown as Metrics;

const APP_SECRET = 'a secret of the application long enough';

async function start(secret = APP_SECRET): Promise<Passwords> {
  const passwords = new Passwords(new Config(loadSettings({ APP_SECRET: secret })), metrics);
  await passwords.onModuleInit();
  return passwords;
}

describe('passwords', () => {
  it('are hashed with a salt of their own, and verified', async () => {
    const passwords = await start();
    const [one, other] = [await passwords.hash('correct horse'), await passwords.hash('correct horse')];
    expect(one).not.toBe(other);
    expect(await passwords.verify(one, 'correct horse')).toBe(true);
    expect(await passwords.verify(one, 'correct horsf')).toBe(false);
    expect(await passwords.verify(undefined, 'correct horse')).toBe(false);
  });

  it('have fingerprints that take the secret of the application to make', async () => {
    const [passwords, again, elsewhere] = [await start(), await start(), await start(`${APP_SECRET}!`)];
    expect(passwords.fingerprint('correct horse')).toBe(again.fingerprint('correct horse'));
    expect(passwords.fingerprint('correct horse')).not.toBe(passwords.fingerprint('correct horsf'));
    expect(passwords.fingerprint('correct horse')).not.toBe(elsewhere.fingerprint('correct horse'));
  });

  it('are refused rather than queued without end, and the metrics tell', async () => {
    const passwords = await start();
    const room = availableParallelism() + 256;
    const attempts = Array.from({ length: room + 5 }, () => passwords.verify(undefined, 'correct horse'));
    const refusals = (await Promise.allSettled(attempts)).filter(({ status }) => status === 'rejected');
    const refusal = { reason: { code: 'service_unavailable', retryAfterSeconds: 2 } };
    expect(refusals).toMatchObject(Array(5).fill(refusal));
    expect(told).toEqual({
      ...{ refused: 5, mostRunning: availableParallelism(), mostWaiting: 256 },
      last: { running: 0, waiting: 0 },
    });
  });
});
