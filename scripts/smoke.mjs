/**
 * Starts the application as a user does and sells something: `npm start` on a fresh data directory, one order and its
 * repetition, Ctrl-C; then a crash and restarts that must find every order. Ends with exit code 0 when all is well.
 *
 *   node scripts/smoke.mjs
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../test/support/free-port.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const HOST = '127.0.0.1';

/** The first start builds the application, initialises PostgreSQL and fills the demo catalog. */
const FIRST_START_TIMEOUT_MS = 120_000;
const RESTART_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 20_000;
const LOG_TAIL_LENGTH = 8_000;

const NPM_START = ['npm', 'start'];
const MAIN = [process.execPath, '--enable-source-maps', 'dist/apps/standalone/src/main.js'];

const directory = mkdtempSync(join(tmpdir(), 'steelyard-smoke-'));
const dataDirectory = join(directory, 'data');
/** There while the embedded PostgreSQL runs; its first line is the process id. */
const postmasterFile = join(dataDirectory, 'postgres', 'postmaster.pid');

const port = await freePort();
const managementPort = await freePort();

/** The application that runs now, if one does. */
let running;

/** Starts the application in a process group of its own, as a terminal does, and waits until it is ready. */
async function start([command, ...args], timeoutMs) {
  // Empty counts as absent: the surroundings must not choose another database.
  const env = {
    ...process.env,
    HOST,
    PORT: String(port),
    MANAGEMENT_PORT: String(managementPort),
    STEELYARD_DATA_DIR: dataDirectory,
    DATABASE_URL: '',
    NODE_ENV: '',
  };
  const child = spawn(command, args, { cwd: ROOT, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  running = { child, log: '', exit: once(child, 'exit') };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      running.log = (running.log + text).slice(-LOG_TAIL_LENGTH);
    });
  }
  const deadline = Date.now() + timeoutMs;
  while (!(await isReady())) {
    assert.equal(child.exitCode ?? child.signalCode, null, 'the application ended before it was ready');
    assert.ok(Date.now() < deadline, `the application was not ready after ${timeoutMs} ms`);
    await delay(100);
  }
}

async function isReady() {
  try {
    const signal = AbortSignal.timeout(2_000);
    return (await fetch(`http://${HOST}:${port}/readyz`, { signal })).ok;
  } catch {
    return false;
  }
}

/** Waits for the end of the application; its exit code, or the signal that ended it. */
async function exitOf({ exit }) {
  const [code, signal] = await Promise.race([
    exit,
    delay(STOP_TIMEOUT_MS, null, { ref: false }).then(() => {
      throw new Error(`the application had not ended ${STOP_TIMEOUT_MS} ms after the signal`);
    }),
  ]);
  return code ?? signal;
}

/** Sends `signal` to the application alone, as Kubernetes does. */
function send(signal) {
  process.kill(running.child.pid, signal);
}

/**
 * Interrupts all that `npm start` has started, as Ctrl-C does, and waits for the end of the last of it. The shell
 * that npm uses ends by the signal whatever the application answers, so the exit code says nothing here.
 */
async function pressCtrlC() {
  const { pid } = running.child;
  process.kill(-pid, 'SIGINT');
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (groupIsAlive(pid)) {
    assert.ok(Date.now() < deadline, `a process still ran ${STOP_TIMEOUT_MS} ms after Ctrl-C`);
    await delay(50);
  }
  assert.equal(existsSync(postmasterFile), false, 'PostgreSQL was not shut down');
}

function groupIsAlive(pid) {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}

/** Leaves no process and no file behind, whatever happened. */
function cleanUp() {
  const pids = running && running.child.exitCode === null ? [-running.child.pid] : [];
  if (existsSync(postmasterFile)) pids.push(Number.parseInt(readFileSync(postmasterFile, 'utf8'), 10));
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

async function call(method, path, { token, key, body } = {}) {
  const response = await fetch(`http://${HOST}:${port}/api/v1${path}`, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(key && { 'idempotency-key': key }),
      ...(body && { 'content-type': 'application/json' }),
    },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text ? JSON.parse(text) : undefined,
  };
}

async function logIn() {
  const login = await call('POST', '/auth/login', {
    body: { email: 'customer@example.com', password: 'steelyard-demo' },
  });
  assert.equal(login.status, 200, login.text);
  return login.body.accessToken;
}

/** Places an order for one piece of the first product in stock and repeats the call with the same key. */
async function placeOrder(token) {
  const products = await call('GET', '/products?limit=100');
  assert.equal(products.status, 200, products.text);
  const product = products.body.data.find(({ availability }) => availability === 'in_stock');
  assert.ok(product, 'the demo catalog has no product in stock');

  const request = {
    token,
    key: randomUUID(),
    body: {
      lines: [{ productId: product.id, quantity: 1 }],
      payment: { method: 'pm_card_visa', capture: 'automatic' },
    },
  };
  const placed = await call('POST', '/orders', request);
  assert.equal(placed.status, 201, placed.text);
  assert.equal(placed.body.status, 'confirmed', placed.text);

  const repeated = await call('POST', '/orders', request);
  assert.equal(repeated.status, 201, repeated.text);
  assert.equal(repeated.body.id, placed.body.id, 'the same key placed another order');
  assert.equal(repeated.headers.get('idempotency-replayed'), 'true');
  return placed.body.id;
}

async function findOrders(token, ids) {
  for (const id of ids) {
    const found = await call('GET', `/orders/${id}`, { token });
    assert.equal(found.status, 200, found.text);
    assert.equal(found.body.status, 'confirmed', found.text);
  }
}

async function step(name, action) {
  const startedAt = performance.now();
  const result = await action();
  console.log(`${name} (${Math.round(performance.now() - startedAt)} ms)`);
  return result;
}

async function sellSomething() {
  await step('npm start, on an empty data directory', () => start(NPM_START, FIRST_START_TIMEOUT_MS));
  let token = await step('log in', logIn);
  const orders = [await step('place an order, and once more with the same key', () => placeOrder(token))];
  await step('Ctrl-C', pressCtrlC);

  await step('start again', () => start(MAIN, RESTART_TIMEOUT_MS));
  token = await logIn();
  await step('find the order', () => findOrders(token, orders));
  orders.push(await step('place another', () => placeOrder(token)));
  await step('kill -9', async () => {
    send('SIGKILL');
    assert.equal(await exitOf(running), 'SIGKILL');
  });

  for (const signal of ['SIGTERM', 'SIGINT']) {
    await step('start again', () => start(MAIN, RESTART_TIMEOUT_MS));
    token = await logIn();
    await step('find both orders', () => findOrders(token, orders));
    await step(`${signal}: exit code 0`, async () => {
      send(signal);
      assert.equal(await exitOf(running), 0);
    });
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    cleanUp();
    process.exit(1);
  });
}
try {
  await sellSomething();
} catch (error) {
  console.error(error);
  console.error(`--- last output of the application ---\n${running?.log ?? ''}`);
  process.exitCode = 1;
} finally {
  cleanUp();
}
