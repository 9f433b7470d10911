import { type ApiCall, ApiClient } from './api-client.js';
import type { Registered } from './api-types.js';
import { ApiUnreachable, ReplayInterrupted } from './replay-errors.js';
import { answering, hangingUp, type Reaction, refusing, ScriptedServer } from './testing/scripted-server.js';

const register: ApiCall<Registered> = (api, init) =>
  api.POST('/api/v1/users', {
    ...init,
    params: { header: { 'Idempotency-Key': 'register-ada' } },
    body: { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' },
  });
const CREATED = answering(201, { id: 'ada', email: 'ada@example.com' });

describe('ApiClient', () => {
  let server: ScriptedServer | undefined;
  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });

  async function clientOf(script: readonly [Reaction, ...Reaction[]]) {
    server = await ScriptedServer.start(script);
    const stopper = new AbortController();
    let rateLimited = 0;
    const onRateLimited = () => (rateLimited += 1);
    const client = new ApiClient({ baseUrl: server.url, signal: stopper.signal, onRateLimited });
    return { client, stopper, requests: server.requests, rateLimited: () => rateLimited };
  }

  it('answers with the body of a success, and says when it is a stored one', async () => {
    const { client } = await clientOf([CREATED, answering(201, {}, { 'idempotency-replayed': 'true' })]);
    expect(await client.send(register)).toEqual({
      ok: true,
      status: 201,
      body: { id: 'ada', email: 'ada@example.com' },
      isReplayed: false,
    });
    expect(await client.send(register)).toMatchObject({ ok: true, isReplayed: true });
  });

  it('answers with the code of a problem, without another try', async () => {
    const { client, requests } = await clientOf([refusing(409, 'email_taken'), CREATED]);
    const answer = await client.send(register);
    expect(answer).toEqual({ ok: false, status: 409, code: 'email_taken', detail: 'It is email_taken.' });
    expect(requests).toHaveLength(1);
  });

  it('has a code for an answer that is not the API’s', async () => {
    const { client } = await clientOf([
      (_, response) => {
        response.writeHead(500, { 'content-type': 'text/html' }).end('<h1>Oh no</h1>');
      },
    ]);
    expect(await client.send(register)).toMatchObject({ ok: false, status: 500, code: 'http_500' });
  });

  it.each<[string, Reaction]>([
    ['the service is not available', refusing(503, 'service_unavailable')],
    ['the deadline has passed', refusing(504, 'deadline_exceeded')],
    ['a proxy finds no server', answering(502, {})],
    ['the first try is still running', refusing(409, 'idempotency_in_progress', { 'retry-after': '0' })],
    ['the connection breaks', hangingUp],
  ])('tries again with the same key when %s', async (_, failure) => {
    const { client, requests } = await clientOf([failure, failure, CREATED]);
    expect(await client.send(register)).toMatchObject({ ok: true, status: 201 });
    expect(requests.map(({ key }) => key)).toEqual(Array<string>(3).fill('register-ada'));
  });

  it('waits as long as a rate limit says', async () => {
    const { client, requests, rateLimited } = await clientOf([
      refusing(429, 'rate_limited', { 'retry-after': '1' }),
      CREATED,
    ]);
    const startedAtMs = performance.now();
    expect(await client.send(register)).toMatchObject({ ok: true });
    expect(performance.now() - startedAtMs).toBeGreaterThan(990);
    expect(requests).toHaveLength(2);
    expect(rateLimited()).toBe(1);
  });

  it('says at once that there is no server when it is the first contact', async () => {
    const { client, requests } = await clientOf([hangingUp]);
    await expect(client.send(register, { isFirstContact: true })).rejects.toThrow(ApiUnreachable);
    expect(requests).toHaveLength(1);
  });

  it('begins no request after an interruption', async () => {
    const { client, stopper, requests } = await clientOf([CREATED]);
    stopper.abort();
    await expect(client.send(register)).rejects.toThrow(ReplayInterrupted);
    expect(requests).toEqual([]);
  });

  it('finishes the request in flight when it is interrupted', async () => {
    const { client, stopper } = await clientOf([
      (request, response) => {
        stopper.abort();
        CREATED(request, response);
      },
    ]);
    expect(await client.send(register)).toMatchObject({ ok: true });
  });

  it('does not wait out a rate limit when it is interrupted', async () => {
    const { client, stopper, requests } = await clientOf([
      refusing(429, 'rate_limited', { 'retry-after': '60' }),
    ]);
    setTimeout(() => stopper.abort(), 100);
    await expect(client.send(register)).rejects.toThrow(ReplayInterrupted);
    expect(requests).toHaveLength(1);
  });
});
