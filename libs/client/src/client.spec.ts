import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSteelyardClient, type SteelyardClientOptions } from './index.js';

describe('the token of a client', () => {
  const seen: (string | undefined)[] = [];
  let server: Server;
  beforeAll(async () => {
    server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.setHeader('content-type', 'application/json').end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  /** What three calls of one client send. */
  async function sentWith(token: SteelyardClientOptions['token']): Promise<(string | undefined)[]> {
    const { port } = server.address() as AddressInfo;
    const client = createSteelyardClient({ baseUrl: `http://127.0.0.1:${port}`, token });
    seen.length = 0;
    for (let call = 0; call < 3; call++) await client.GET('/api/v1/users/me');
    return [...seen];
  }

  it('is sent with each call, where there is one', async () => {
    expect(await sentWith('a')).toEqual(['Bearer a', 'Bearer a', 'Bearer a']);
    expect(await sentWith(undefined)).toEqual([undefined, undefined, undefined]);
  });

  it('is asked for before each call, where it is a function', async () => {
    const tokens = ['a', undefined, 'b'];
    expect(await sentWith(() => tokens.shift())).toEqual(['Bearer a', undefined, 'Bearer b']);
    const promised = ['a', 'b', 'c'];
    expect(await sentWith(() => Promise.resolve(promised.shift()))).toEqual([
      ...['Bearer a', 'Bearer b', 'Bearer c'],
    ]);
  });
});
