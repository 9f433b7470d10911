import { ApiClient } from './api-client.js';
import type { Payment } from './api-types.js';
import { Session } from './session.js';
import { answering, refusing, ScriptedServer, type Reaction } from './testing/scripted-server.js';

const LOGIN = '/api/v1/auth/login';
const PAYMENT = '/api/v1/payments/p';
const OK = answering(200, { id: 'p', refunds: [] });
const EXPIRED = refusing(401, 'invalid_token');
const TOKENS = answering(200, { accessToken: 'token', refreshToken: 'refresh' });

describe('Session', () => {
  let server: ScriptedServer | undefined;
  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });

  async function sessionOf(script: readonly [Reaction, ...Reaction[]]) {
    server = await ScriptedServer.start(script);
    const client = new ApiClient({ baseUrl: server.url, signal: new AbortController().signal });
    const session = new Session(client, { email: 'staff@example.com', password: 'steelyard-demo' });
    const paths = () => server?.requests.map(({ path }) => path);
    const read = () =>
      session.send<Payment>((api, init) => {
        return api.GET('/api/v1/payments/{id}', { ...init, params: { path: { id: 'p' } } });
      });
    return { session, read, paths };
  }

  it('logs in with the first request, once for all', async () => {
    const { read, paths } = await sessionOf([TOKENS, OK]);
    await Promise.all([read(), read()]);
    await read();
    expect(paths()).toEqual([LOGIN, PAYMENT, PAYMENT, PAYMENT]);
  });

  it('logs in again when the access token has expired', async () => {
    const { read, paths } = await sessionOf([TOKENS, EXPIRED, TOKENS, OK]);
    expect(await read()).toMatchObject({ ok: true });
    expect(paths()).toEqual([LOGIN, PAYMENT, LOGIN, PAYMENT]);
  });

  it('does so once for requests that find out at the same time', async () => {
    const { read, paths } = await sessionOf([TOKENS, EXPIRED, EXPIRED, TOKENS, OK]);
    expect(await Promise.all([read(), read()])).toMatchObject([{ ok: true }, { ok: true }]);
    expect(paths()).toEqual([LOGIN, PAYMENT, PAYMENT, LOGIN, PAYMENT, PAYMENT]);
  });

  it('does not try for ever', async () => {
    const { read, paths } = await sessionOf([TOKENS, EXPIRED, TOKENS, EXPIRED, TOKENS, OK]);
    expect(await read()).toMatchObject({ ok: false, status: 401, code: 'invalid_token' });
    expect(paths()).toEqual([LOGIN, PAYMENT, LOGIN, PAYMENT]);
  });

  it('answers with the reason when there is no log-in', async () => {
    const { read, paths } = await sessionOf([refusing(401, 'invalid_credentials')]);
    expect(await read()).toMatchObject({ ok: false, code: 'invalid_credentials' });
    expect(paths()).toEqual([LOGIN]);
  });

  it('logs out where it has logged in', async () => {
    const { session, read, paths } = await sessionOf([TOKENS, OK, answering(200, {})]);
    await session.close();
    expect(paths()).toEqual([]);
    await read();
    await session.close();
    expect(paths()).toEqual([LOGIN, PAYMENT, '/api/v1/auth/logout']);
  });
});
