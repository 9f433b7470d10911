import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '#kernel';
import { Database } from '#platform/database';
import { AccessTokens } from '#platform/security';
import { TestApp } from '../support/test-app.js';

const TIMEOUT_MS = 500;
const PRODUCTS = '/api/v1/products';
const ORDERS = '/api/v1/orders';

let app: TestApp;
let token: string;
beforeAll(async () => {
  app = await TestApp.start({ REQUEST_TIMEOUT_MS: String(TIMEOUT_MS) });
  token = await app.app
    .get(AccessTokens)
    .issue({ userId: newId(), role: 'admin', sessionId: newId(), aal: 1, amr: ['pwd'] });
});
afterAll(() => app.stop());

/** Sends `bytes` one by one, as slowly as it likes, until the server has enough; what it said, and after how long. */
async function dribble(opening: string, bytes: string): Promise<{ answer: string; tookMs: number }> {
  const { hostname, port } = new URL(app.baseUrl);
  const socket: Socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString()));
  socket.on('error', () => undefined);
  const startedAt = performance.now();
  // Whoever still writes when it is closed is told so by an error.
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(opening);
  const end = closed.then(() => true);
  for (const byte of bytes) {
    if (await Promise.race([end, delay(50, false)])) break;
    socket.write(byte);
  }
  await closed;
  return { answer, tookMs: performance.now() - startedAt };
}

describe('a client that takes its time', () => {
  it('with the headers is told so, and put out', async () => {
    const { answer, tookMs } = await dribble('GET / HTTP/1.1\r\nHost: x\r\n', `X-Slow: ${'y'.repeat(200)}`);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('application/problem+json');
    expect(tookMs).toBeLessThan(TIMEOUT_MS + 4_000);
  });

  it('with saying anything at all is put out', async () => {
    const { tookMs } = await dribble('', '');
    expect(tookMs).toBeLessThan(TIMEOUT_MS + 4_000);
  });

  it('with the body gets the deadline of the route, and is put out', async () => {
    const opening = [
      `POST ${ORDERS} HTTP/1.1`,
      'Host: x',
      'Content-Type: application/json',
      'Content-Length: 1000',
      '',
      '',
    ].join('\r\n');
    const { answer, tookMs } = await dribble(opening, ' '.repeat(400));
    expect(answer).toMatch(/^HTTP\/1\.1 504 /);
    expect(answer).toContain('deadline_exceeded');
    expect(tookMs).toBeLessThan(TIMEOUT_MS + 4_000);
  });

  it('with a file may take it', async () => {
    const csv = `sku,name,description,price_amount,currency,active\nSLOW,${'Mug '.repeat(7)},,100,GBP,true\n`;
    const opening = [
      `POST ${PRODUCTS}/import HTTP/1.1`,
      'Host: x',
      `Authorization: Bearer ${token}`,
      'Content-Type: text/csv',
      `Content-Length: ${csv.length}`,
      'Connection: close',
      '',
      '',
    ].join('\r\n');
    const { answer, tookMs } = await dribble(opening, csv);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(tookMs).toBeGreaterThan(TIMEOUT_MS * 2);
  });
});

/** Sends `request` and takes a hundred bytes of what comes, as often as told, until the server has enough of it. */
async function waitForEnd(request: string, everyMs: number | undefined): Promise<void> {
  const { hostname, port } = new URL(app.baseUrl);
  const accepted = once(app.app.getHttpServer(), 'connection') as Promise<[Socket]>;
  // It reads nothing by itself.
  const onread = { buffer: Buffer.alloc(100), callback: () => false };
  const socket = connect({ port: Number(port), host: hostname, onread });
  socket.on('error', () => undefined);
  const reading = everyMs === undefined ? undefined : setInterval(() => socket.resume(), everyMs);
  socket.write(request);
  const [connection] = await accepted;
  await once(connection, 'close', { signal: AbortSignal.timeout(10_000) });
  clearInterval(reading);
  socket.destroy();
}

describe('a client that does not wait for answers', () => {
  const requests = (count: number, path = PRODUCTS) =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(count);
  const answersTo = async (bytes: string): Promise<string[]> => {
    const { hostname, port } = new URL(app.baseUrl);
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', () => undefined);
    socket.write(bytes);
    await Promise.race([new Promise((resolve) => socket.once('close', resolve)), delay(3_000)]);
    socket.destroy();
    return text.split(/(?=HTTP\/1\.1 \d{3} )/);
  };

  it('gets those of the first requests, then the connection ends', async () => {
    const answers = await answersTo(requests(100));
    expect(answers).toHaveLength(16);
    expect(answers.every((answer) => answer.startsWith('HTTP/1.1 200 '))).toBe(true);
    expect(answers.map((answer) => /^connection: close\r$/im.test(answer))).toEqual([
      ...Array<boolean>(15).fill(false),
      true,
    ]);
  });

  it('keeps the connection if it sends a few', async () => {
    const answers = await answersTo(requests(10));
    expect(answers).toHaveLength(10);
    expect(answers.join('')).not.toMatch(/^connection: close\r$/im);
  });

  it.each([
    ['takes none of them', undefined],
    ['takes some bytes of them now and then', 100],
  ])('and %s is put out', async (_, everyMs) => {
    await waitForEnd(requests(16, '/api/openapi.json'), everyMs);
  });
});

describe('a prototype', () => {
  const polluted = '"polluted": true';
  it.each([
    ['a body', `{ "__proto__": { ${polluted} } }`, 400, 'malformed_json'],
    ['the depth of a body', `{ "lines": [{ "__proto__": { ${polluted} } }] }`, 400, 'malformed_json'],
    ['an escaped name', `{ "\\u005f_proto__": { ${polluted} } }`, 400, 'malformed_json'],
    ['its constructor', `{ "constructor": { "prototype": { ${polluted} } } }`, 400, 'malformed_json'],
    ['a bare constructor', `{ "constructor": { ${polluted} } }`, 400, 'validation_failed'],
  ])('is not reached through %s', async (_, body, status, code) => {
    const answer = await app.post(`${ORDERS}/quote`, body);
    expect(answer).toMatchObject({ status, body: { code } });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it.each([
    '__proto__[polluted]=true',
    '__proto__.polluted=true',
    'constructor[prototype][polluted]=true',
    '__proto__=x',
  ])('is not reached through the query %s', async (query) => {
    const { status, body } = await app.get(`${PRODUCTS}?${query}`);
    expect([200, 400]).toContain(status);
    expect(status === 200 || body.code === 'validation_failed').toBe(true);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('what went wrong inside', () => {
  it('stays inside: no message, no stack, no SQL, no path', async () => {
    const secret = 'relation "catalog.nowhere" does not exist';
    const database = app.app.get(Database);
    const { query } = database;
    database.query = () => Promise.reject(new Error(secret));
    try {
      const answer = await app.get(PRODUCTS);
      expect(answer).toMatchObject({ status: 500, body: { code: 'internal_error' } });
      const text = JSON.stringify(answer.body) + JSON.stringify([...answer.headers]);
      expect(text).not.toMatch(/nowhere|stack|\.ts|\.js|node_modules|SELECT|at /);
    } finally {
      database.query = query;
    }
  });
});
