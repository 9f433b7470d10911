import { newId } from '#kernel';
import { generateAppSecret, generateSigningKeys } from '#platform/security';
import { Client } from 'pg';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { spawnApp, type SpawnedApp } from '../support/spawn-app.js';
import { createTestDatabase } from '../support/test-database.js';

const PASSWORD = 'canary-password-correct-horse';
const TOKEN = 'canary-token-eyJhbGciOiJFZERTQSJ9';
const CARD = '4242424242424242';
const API_KEY = 'canary-key-sk_live_51H';
const DEVICE = 'canary-device/1.0';
const CANARIES = [PASSWORD, TOKEN, CARD, API_KEY, DEVICE];

let app: SpawnedApp;
let url: string;
let secrets: Record<string, string>;
let databaseUrl: string;
let dropDatabase: () => Promise<void>;

beforeAll(async () => {
  const database = await createTestDatabase();
  databaseUrl = database.url;
  dropDatabase = () => database.drop();
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  secrets = { APP_SECRET: generateAppSecret(), SIGNING_KEYS: await generateSigningKeys() };
  app = spawnApp('apps/api/src/main.ts', {
    env: {
      ...secrets,
      NODE_ENV: 'test',
      DATABASE_URL: database.url,
      PORT: String(port),
      MANAGEMENT_PORT: '0',
      LOG_LEVEL: 'trace',
      STRIPE_WEBHOOK_SECRET: API_KEY,
    },
  });
  await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200), 20_000);
}, 60_000);

afterAll(async () => {
  await app.end('SIGTERM');
  await dropDatabase();
});

function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  return fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json', 'idempotency-key': newId(), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}

it('the log at its most talkative holds no password, token, card number or key, and no secret of ours', async () => {
  const email = `${newId()}@example.com`;
  const everywhere = {
    authorization: `Bearer ${TOKEN}`,
    'x-api-key': API_KEY,
    'x-order-token': TOKEN,
    cookie: `card=${CARD}`,
    'user-agent': DEVICE,
    'stripe-signature': API_KEY,
  };
  const query = `?token=${TOKEN}&card=${CARD}&key=${API_KEY}&password=${PASSWORD}`;
  const statuses: number[] = [];
  const push = async (answer: Promise<Response>) => {
    const { status } = await answer;
    statuses.push(status);
  };
  await push(call('POST', '/api/v1/users', { email, password: PASSWORD, name: 'Ada' }));
  await push(call('POST', '/api/v1/auth/login', { email, password: PASSWORD }));
  await push(call('POST', '/api/v1/auth/login', { email, password: `${PASSWORD}!` }));
  await push(call('POST', '/api/v1/auth/refresh', { refreshToken: TOKEN }));
  await push(call('GET', `/api/v1/orders${query}`, undefined, everywhere));
  await push(call('GET', `/api/v1/products${query}`));
  await push(call('GET', `/api/v1/${TOKEN}/${CARD}`, undefined, everywhere));
  await push(call('GET', `/api/v1/orders/${newId()}/events?orderToken=${TOKEN}`));
  await push(call('POST', `/api/v1/orders${query}`, { card: CARD, metadata: { key: API_KEY } }));
  await push(call('POST', '/api/v1/orders', `{ "card": "${CARD}", "password": "${PASSWORD}"`));
  await push(call('POST', '/api/v1/payment-webhooks/sandbox', { card: CARD }, everywhere));
  expect(statuses).toEqual([201, 200, 401, 401, 401, 400, 404, 404, 400, 400, 400]);

  // The log is written with a delay; its last line is the one of the last call.
  await eventually(() => expect(app.output).toContain('"/api/v1/payment-webhooks/:gateway"'));
  expect(app.output.split('\n').filter((line) => line.includes('"msg":"request"')).length).toBeGreaterThan(
    10,
  );
  for (const canary of [...CANARIES, ...Object.values(secrets)]) expect(app.output).not.toContain(canary);
  expect(app.output).not.toContain(email);
}, 60_000);

it('nor does it when a statement fails that had them among its values', async () => {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query('ALTER TABLE users.users ADD CONSTRAINT full_up CHECK (false) NOT VALID');
  await client.end();
  const email = `${newId()}@example.com`;
  const { status } = await call('POST', '/api/v1/users', { email, password: PASSWORD, name: CARD });
  expect(status).toBe(500);
  await eventually(() => expect(app.output).toContain('The request failed unexpectedly'));
  expect(app.output).toContain('full_up');
  for (const secret of [...CANARIES, email, '$argon2id$']) expect(app.output).not.toContain(secret);
}, 60_000);
