/**
 * Throws thousands of requests at the application that its OpenAPI document allows, nearly allows or forbids, without
 * a token and with those of each role, and fails on a 5xx, an answer that is not as documented, or a status that is
 * not. Needs schemathesis, which `scripts/install-tools.sh` installs, and a built application.
 *
 *   node scripts/fuzz.mjs [--seed N]
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort } from '../test/support/free-port.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const START_TIMEOUT_MS = 60_000;
const DEMO_PASSWORD = 'steelyard-demo';

const { values: options } = parseArgs({ options: { seed: { type: 'string' } } });
const seed = options.seed ?? String(randomInt(1_000_000));

const directory = mkdtempSync(join(tmpdir(), 'steelyard-fuzz-'));
const port = await freePort();
const url = `http://127.0.0.1:${port}`;
const app = spawn(process.execPath, ['--enable-source-maps', 'dist/apps/standalone/src/main.js'], {
  cwd: ROOT,
  env: {
    ...process.env,
    HOST: '127.0.0.1',
    PORT: String(port),
    MANAGEMENT_PORT: String(await freePort()),
    STEELYARD_DATA_DIR: join(directory, 'data'),
    DATABASE_URL: '',
    NODE_ENV: '',
    RATE_LIMIT_ENABLED: 'false',
    LOG_LEVEL: 'error',
  },
  stdio: ['ignore', 'inherit', 'inherit'],
});

async function ready() {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    assert.equal(app.exitCode ?? app.signalCode, null, 'the application ended before it was ready');
    const response = await fetch(`${url}/readyz`).catch(() => undefined);
    if (response?.ok) return;
    assert.ok(Date.now() < deadline, `the application was not ready after ${START_TIMEOUT_MS} ms`);
    await delay(100);
  }
}

/** Whoever tried wrong passwords may have the account paused: then it takes a while. */
async function tokenOf(role) {
  const response = await fetch(`${url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: `${role}@example.com`, password: DEMO_PASSWORD }),
  });
  if (response.status === 429) {
    await delay(Number(response.headers.get('retry-after')) * 1_000);
    return tokenOf(role);
  }
  assert.equal(response.status, 200, `${role} cannot log in`);
  return (await response.json()).accessToken;
}

/** One run of all operations; whether it found nothing. */
async function fuzz(who, headers) {
  console.log(`\n=== ${who}, seed ${seed}`);
  const args = ['--config-file', join(ROOT, 'test/fuzz/schemathesis.toml'), 'run', `${url}/api/openapi.json`];
  const fuzzer = spawn('schemathesis', [...args, '--seed', seed, ...headers], {
    // What it leaves behind goes with the directory.
    cwd: directory,
    env: {
      ...process.env,
      SCHEMATHESIS_HOOKS: join(ROOT, 'test/fuzz/hooks.py'),
      PYTHONDONTWRITEBYTECODE: '1',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = await once(fuzzer, 'exit');
  return code === 0;
}

try {
  await ready();
  const found = [];
  for (const who of ['nobody', 'customer', 'admin']) {
    const headers = who === 'nobody' ? [] : ['--header', `Authorization: Bearer ${await tokenOf(who)}`];
    if (!(await fuzz(who, headers))) found.push(who);
  }
  assert.equal(app.exitCode ?? app.signalCode, null, 'the application did not survive');
  if (found.length > 0) {
    console.log(
      `\nWhat is wrong was found as: ${found.join(', ')}. Again with: node scripts/fuzz.mjs --seed ${seed}`,
    );
    process.exitCode = 1;
  }
} finally {
  if (app.exitCode === null && app.signalCode === null) {
    app.kill('SIGTERM');
    await once(app, 'exit');
  }
  rmSync(directory, { recursive: true, force: true });
}
