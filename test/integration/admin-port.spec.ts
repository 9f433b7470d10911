import { newId, type Role } from '#kernel';
import { closeHttpServer } from '#platform/http';
import { Lifecycle } from '#platform/lifecycle';
import { ManagementServer } from '#platform/management';
import { ROUTES } from '../architecture/authorization-matrix.js';
import { blockTable } from '../support/block-table.js';
import { liveToken } from '../support/live-token.js';
import { eventually } from '../support/eventually.js';
import { routesOf } from '../support/routes.js';
import { sendRaw } from '../support/send-raw.js';
import { type Answer, TestApp } from '../support/test-app.js';

const LEDGER = '/api/v1/ledger/trial-balance';

/** What is not below the prefix of the API: it is on both ports. */
const ON_BOTH = [
  'GET /.well-known/jwks.json',
  'GET /dev/mailbox',
  'GET /docs/errors',
  'GET /health',
  'GET /healthz',
  'GET /readyz',
  'GET /startupz',
];

const UNKNOWN = ['route_not_found', 'method_not_allowed'];

let main: TestApp;
let admin: TestApp;

beforeAll(async () => {
  main = await TestApp.start({ ADMIN_PORT: '0', REQUEST_TIMEOUT_MS: '1000' });
  admin = main.onAdminPort();
});
afterAll(() => main.stop());

const tokenOf = (role: Role) => liveToken(main, role);

/** Which routes there are on a port, by the answers that somebody without a token gets. */
async function found(port: TestApp): Promise<string[]> {
  const names = routesOf(main.app).map(({ name }) => name);
  const isThere = await Promise.all(
    names.map(async (name) => {
      const [method = '', template = ''] = name.split(' ');
      const path = template.replace(/:\w+/g, newId());
      const { body } = await port.call(method, ON_BOTH.includes(name) ? path : `/api/v1${path}`);
      return !UNKNOWN.includes(body.code);
    }),
  );
  return names.filter((_, index) => isThere[index]).sort();
}

describe('with a port for admins', () => {
  it('every route is found on exactly the ports that it belongs to', async () => {
    const isForAdmins = (name: string) => ['admin', 'person'].includes(ROUTES[name]?.of ?? '');
    const names = Object.keys(ROUTES);
    expect(names.filter(isForAdmins).length).toBeGreaterThan(10);
    const ofTheApi = names.filter((name) => !ON_BOTH.includes(name));
    expect(await found(main)).toEqual([...ofTheApi.filter((name) => !isForAdmins(name)), ...ON_BOTH].sort());
    expect(await found(admin)).toEqual([...ofTheApi.filter(isForAdmins), ...ON_BOTH].sort());
  });

  it('admins work on theirs, and the guards are the same', async () => {
    expect(await admin.get(LEDGER, { token: await tokenOf('admin') })).toMatchObject({ status: 200 });
    expect(await admin.get(LEDGER, { token: await tokenOf('staff') })).toMatchObject({ status: 403 });
    expect(await admin.get(LEDGER)).toMatchObject({ status: 401 });
  });

  it('the main port knows nothing of their routes, whoever asks and however', async () => {
    const unlike = ({ headers }: Answer) => [...headers.keys()].filter((name) => name !== 'date').sort();
    const unknown = await main.get('/api/v1/unicorns');
    for (const token of [undefined, await tokenOf('admin')]) {
      const answer = await main.get(LEDGER, { token });
      expect(answer).toMatchObject({ status: 404, body: { code: 'route_not_found' } });
      expect(unlike(answer)).toEqual(unlike(unknown));
    }
    for (const method of ['HEAD', 'POST', 'PUT']) {
      const { status, headers } = await fetch(main.baseUrl + LEDGER, { method });
      expect({ method, status, allow: headers.get('allow') }).toEqual({ method, status: 404, allow: null });
    }
    expect((await admin.call('PUT', LEDGER)).headers.get('allow')).toBe('GET, HEAD');
  });

  it('an address that is on both, with a method for each, allows what its port has', async () => {
    const user = `/api/v1/users/${newId()}`;
    expect((await main.call('PUT', user)).headers.get('allow')).toBe('GET, HEAD, PATCH');
    expect((await admin.call('PUT', user)).headers.get('allow')).toBe('DELETE');
    expect(await main.call('DELETE', user)).toMatchObject({ status: 405 });
    expect(await admin.get(user)).toMatchObject({ status: 405 });
  });

  it('what is answered as unknown is measured as unknown', async () => {
    await main.get(LEDGER);
    const management = main.app.get(ManagementServer, { strict: false });
    const port = await management.listen();
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    await management.close();
    expect(metrics).toMatch(/^http_requests_total\{method="GET",path="<unmatched>",status="404"\} \d+$/m);
    expect(metrics).not.toMatch(/path="\/api\/v1\/ledger\/trial-balance",status="404"/);
  });

  it('documentation is on both', async () => {
    for (const port of [main, admin]) {
      expect(await port.get('/api/openapi.json')).toMatchObject({ status: 200 });
    }
  });

  it('who takes time with the headers is put out there, too', async () => {
    const startedAt = performance.now();
    const answer = await sendRaw(admin.baseUrl, 'GET / HTTP/1.1\r\nHost: x\r\n');
    expect(answer).toMatchObject({ status: 408, body: { code: 'malformed_request' } });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('what is not HTTP is told so', async () => {
    const answer = await sendRaw(admin.baseUrl, 'SELL me a mug\r\n\r\n');
    expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_request' } });
  });
});

describe('closing', () => {
  /** An application with a call by the port for admins that waits for the database. */
  async function withCallInFlight() {
    const app = await TestApp.start({ ADMIN_PORT: '0' });
    const port = app.onAdminPort();
    const token = await liveToken(app, 'admin');
    const block = await blockTable(app, 'payments.ledger_totals, payments.ledger_postings');
    const inFlight = port.get(LEDGER, { token }).catch(() => 'cut');
    await block.hasWaiter();
    return { app, port, block, inFlight };
  }

  it('serves what is in flight on the port for admins, and then nobody any more', async () => {
    const { app, port, block, inFlight } = await withCallInFlight();
    try {
      await app.app.get(Lifecycle).drain(0);
      const closing = closeHttpServer(app.app, 10_000);
      await eventually(() => expect(port.get('/healthz')).rejects.toThrow());
      await block.release();
      const { status, headers } = (await inFlight) as Answer;
      expect({ status, connection: headers.get('connection') }).toEqual({ status: 200, connection: 'close' });
      const releasedAt = performance.now();
      await closing;
      expect(performance.now() - releasedAt).toBeLessThan(2_500);
    } finally {
      await app.stop();
    }
  });

  it('cuts what does not end within the grace', async () => {
    const { app, block, inFlight } = await withCallInFlight();
    try {
      const startedAt = performance.now();
      await closeHttpServer(app.app, 100);
      expect(performance.now() - startedAt).toBeLessThan(2_000);
      expect(await inFlight).toBe('cut');
    } finally {
      await block.release();
      await app.stop();
    }
  });
});
