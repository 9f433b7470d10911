import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { ConfigModule } from '#platform/config';
import { OutboundClient, OutboundFailure, OutboundModule } from '#platform/outbound';
import { LoggingModule } from '#platform/telemetry';
import { askNameServers, type LookUp } from '../../libs/platform/src/outbound/look-up.js';
import type { OutboundClientOptions } from '../../libs/platform/src/outbound/outbound-client.js';
import {
  ANY_TARGET,
  PUBLIC_TARGETS,
  type TargetPolicy,
} from '../../libs/platform/src/outbound/target-policy.js';
import { type CannedServer, startCannedServer } from '../support/canned-server.js';
import { eventually } from '../support/eventually.js';
import { startNameServer } from '../support/name-server.js';
import { testSettings } from '../support/test-settings.js';

/** Takes one loopback address for the public internet, so that nothing here leaves the machine. */
const ALLOWED = '127.0.0.1';
const DENIED = '127.0.0.2';
const ONE_ADDRESS: TargetPolicy = { protocols: ['http:'], mayReach: (address) => address === ALLOWED };

const TIMEOUTS = { connectMs: 5_000, bodyMs: 5_000, wholeMs: 10_000 };
const nobodyGivesUp = new AbortController().signal;

let partner: CannedServer;
let port: string;

beforeAll(async () => {
  partner = await startCannedServer();
  ({ port } = new URL(partner.url));
});

beforeEach(() => {
  partner.requests.length = 0;
  partner.answers = [{ status: 204 }];
});

afterAll(() => partner.close());

/** A name server: each look-up gets the next list of addresses, the last one for ever. */
function resolverOf(...answers: string[][]) {
  const names: string[] = [];
  const lookUp: LookUp = (name) => {
    const addresses = answers[Math.min(names.length, answers.length - 1)] ?? [];
    names.push(name);
    return Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
  };
  return { names, lookUp };
}

function post(url: string, options: Partial<OutboundClientOptions> = {}, signal = nobodyGivesUp) {
  const client = new OutboundClient({ policy: ANY_TARGET, timeouts: TIMEOUTS, ...options });
  return client.post({ url, headers: { 'content-type': 'application/json' }, body: '{}' }, signal);
}

async function failureOf(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.catch((thrown: unknown) => thrown);
  if (error instanceof OutboundFailure) return error.reason;
  throw new Error('There was no failure.', { cause: error });
}

/** A server that speaks TCP and does what `onConnection` says; its connections are cut when `use` has ended. */
async function withTcpServer<T>(
  onConnection: (socket: Socket) => void,
  use: (server: { port: number; connections: Socket[] }) => Promise<T>,
): Promise<T> {
  const connections: Socket[] = [];
  const server = createServer((socket) => {
    connections.push(socket);
    onConnection(socket.on('error', () => {}));
  }).listen(0, ALLOWED);
  await once(server, 'listening');
  try {
    return await use({ port: (server.address() as AddressInfo).port, connections });
  } finally {
    for (const socket of connections) socket.destroy();
    server.close();
  }
}

const keepSilent = () => {};

/** A byte of the body now and then, for ever. */
function drip(response: ServerResponse): void {
  const timer = setInterval(() => response.write('.'), 20);
  response.on('close', () => clearInterval(timer));
}

describe('a target', () => {
  it('is sent the request under its own name, and its answer comes back', async () => {
    partner.answers = [(response) => response.writeHead(202).end(JSON.stringify(response.req.headers))];
    const { names, lookUp } = resolverOf([ALLOWED]);
    const answer = await post(`http://partner.test:${port}/hooks?shop=1#top`, {
      policy: ONE_ADDRESS,
      lookUp,
    });
    expect(answer).toMatchObject({ status: 202, isBodyCut: false });
    expect(JSON.parse(answer.body)).toMatchObject({
      host: `partner.test:${port}`,
      'content-type': 'application/json',
      'content-length': '2',
    });
    expect(partner.requests).toEqual(['POST /hooks?shop=1']);
    expect(names).toEqual(['partner.test']);
  });

  it('that redirects to somewhere else has answered: nobody goes there', async () => {
    const inside = await startCannedServer();
    try {
      for (const status of [301, 302, 303, 307, 308]) {
        partner.answers = [{ status, headers: { location: `${inside.url}/secrets` } }];
        expect(await post(partner.url)).toMatchObject({ status });
      }
      expect(inside.requests).toEqual([]);
    } finally {
      await inside.close();
    }
  });

  it('that leads to where nobody may go is not connected to', async () => {
    await withTcpServer(keepSilent, async (server) => {
      const { names, lookUp } = resolverOf([ALLOWED]);
      const options = { policy: PUBLIC_TARGETS, lookUp };
      expect(await failureOf(post(`https://partner.test:${server.port}/`, options))).toBe(
        'target_not_allowed',
      );
      expect(names).toEqual(['partner.test']);
      for (const host of [ALLOWED, '[::ffff:127.0.0.1]', '2130706433', 'localhost']) {
        expect(await failureOf(post(`https://${host}:${server.port}/`, options))).toBe('target_not_allowed');
      }
      expect(server.connections).toEqual([]);
    });
  });

  it('that leads elsewhere the second time (DNS rebinding) is refused the second time', async () => {
    const { names, lookUp } = resolverOf([ALLOWED], [DENIED]);
    const client = new OutboundClient({ policy: ONE_ADDRESS, timeouts: TIMEOUTS, lookUp });
    const request = { url: `http://partner.test:${port}/`, headers: {}, body: '' };
    expect(await client.post(request, nobodyGivesUp)).toMatchObject({ status: 204 });
    // What is checked is what is connected to: there is one look-up for both.
    expect(names).toHaveLength(1);
    expect(await failureOf(client.post(request, nobodyGivesUp))).toBe('target_not_allowed');
    expect(names).toHaveLength(2);
    expect(partner.requests).toHaveLength(1);
  });

  it.each([[[ALLOWED, DENIED]], [[DENIED, ALLOWED]], [[ALLOWED, '::1']], [[ALLOWED, 'fe80::1%1']]])(
    'whose name has a forbidden address among others is refused: %j',
    async (addresses) => {
      const { lookUp } = resolverOf(addresses);
      const call = post(`http://partner.test:${port}/`, { policy: ONE_ADDRESS, lookUp });
      expect(await failureOf(call)).toBe('target_not_allowed');
      expect(partner.requests).toEqual([]);
    },
  );
});

describe('a partner whose name server keeps silent', () => {
  const LOOK_UP_MS = 900;
  const SILENT = 'dead.example';

  it('holds up nobody else, and is asked no more once it is given up', async () => {
    const nameServer = await startNameServer(ALLOWED, SILENT);
    try {
      const lookUp = askNameServers({ timeoutMs: LOOK_UP_MS, servers: [nameServer.server] });
      const call = (host: string) => post(`http://${host}:${port}/`, { policy: ONE_ADDRESS, lookUp });
      // More than the process has threads for look-ups.
      const dead = Array.from({ length: 32 }, (_, index) => failureOf(call(`${index}.${SILENT}`)));
      const ended = Promise.race(dead).then(() => 'given up');
      await eventually(() => expect(nameServer.questions).toHaveLength(64));
      expect(await Promise.race([call('partner.test'), ended])).toMatchObject({ status: 204 });
      expect(new Set(await Promise.all(dead))).toEqual(new Set(['timed_out']));
      expect(nameServer.questions).toHaveLength(66);
    } finally {
      await nameServer.close();
    }
  });

  it('is nobody who leads to us: its addresses are checked as all others', async () => {
    const nameServer = await startNameServer(DENIED, SILENT);
    try {
      const lookUp = askNameServers({ timeoutMs: LOOK_UP_MS, servers: [nameServer.server] });
      const call = post(`http://partner.test:${port}/`, { policy: ONE_ADDRESS, lookUp });
      expect(await failureOf(call)).toBe('target_not_allowed');
    } finally {
      await nameServer.close();
    }
  });
});

describe('a target that does not answer', () => {
  it('is given up when it does not connect in time', async () => {
    // A handshake that never comes.
    await withTcpServer(keepSilent, async (server) => {
      const call = post(`https://127.0.0.1:${server.port}/`, { timeouts: { ...TIMEOUTS, connectMs: 50 } });
      expect(await failureOf(call)).toBe('timed_out');
    });
  });

  it('is given up when its name is not looked up in time', async () => {
    const call = post('http://partner.test/', {
      lookUp: () => new Promise(() => {}),
      timeouts: { ...TIMEOUTS, connectMs: 50 },
    });
    expect(await failureOf(call)).toBe('timed_out');
  });

  it('is given up when its headers do not come in time, which may be short of the usual', async () => {
    partner.answers = [() => {}];
    const timeouts = { ...TIMEOUTS, wholeMs: 50 };
    expect(await failureOf(post(partner.url, { timeouts }))).toBe('timed_out');
    const client = new OutboundClient({ policy: ANY_TARGET, timeouts: TIMEOUTS });
    const request = { url: partner.url, headers: {}, body: '', timeoutMs: 50 };
    expect(await failureOf(client.post(request, nobodyGivesUp))).toBe('timed_out');
  });

  it('has 15 seconds to answer, and nothing ends sooner', async () => {
    partner.answers = [(response) => void setTimeout(() => response.writeHead(204).end(), 12_000)];
    const client = new OutboundClient({ policy: ANY_TARGET });
    const request = { url: partner.url, headers: {}, body: '' };
    expect(await client.post(request, nobodyGivesUp)).toMatchObject({ status: 204 });
  }, 30_000);

  it('is given up when the whole takes too long, however busy it looks', async () => {
    const dripHeaders = (socket: Socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('X-Slow: 1\r\n'), 5);
      socket.on('close', () => clearInterval(timer));
    };
    await withTcpServer(dripHeaders, async (server) => {
      const call = post(`http://127.0.0.1:${server.port}/`, {
        timeouts: { ...TIMEOUTS, wholeMs: 100 },
      });
      expect(await failureOf(call)).toBe('timed_out');
    });
  });

  it.each([
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
    ['speaks something else', (socket: Socket) => socket.end('SSH-2.0-OpenSSH_10.0\r\n')],
  ])('has failed when it %s', async (_what, onConnection) => {
    await withTcpServer(onConnection, async (server) => {
      expect(await failureOf(post(`http://127.0.0.1:${server.port}/`))).toBe('connection_failed');
    });
  });

  it('has failed when nothing listens there, and when its name leads nowhere', async () => {
    const free = await withTcpServer(keepSilent, (server) => Promise.resolve(server.port));
    expect(await failureOf(post(`http://127.0.0.1:${free}/`))).toBe('connection_failed');
    // Too long a label for any name server to be asked.
    expect(await failureOf(post(`http://${'x'.repeat(64)}.test/`))).toBe('name_not_resolved');
  });

  it('is not waited for when the caller gives up', async () => {
    const caller = new AbortController();
    const reason = new Error('shutting down');
    partner.answers = [() => caller.abort(reason)];
    await expect(post(partner.url, {}, caller.signal)).rejects.toBe(reason);
    await expect(post(partner.url, {}, caller.signal)).rejects.toBe(reason);
    expect(partner.requests).toHaveLength(1);
  });
});

describe('the body of an answer', () => {
  it('is read to 4 KiB, and the connection of one that goes on is cut', async () => {
    const chunk = Buffer.alloc(16 * 1_024, 'x');
    let sentBytes = 0;
    let hasClosed: Promise<unknown> = Promise.reject(new Error('It was not asked.'));
    hasClosed.catch(() => {});
    partner.answers = [
      (response) => {
        hasClosed = once(response, 'close');
        const pump = (): void => {
          while (!response.destroyed && response.write(chunk)) sentBytes += chunk.length;
        };
        response.on('drain', pump).writeHead(200);
        pump();
      },
    ];
    const answer = await post(partner.url);
    expect(answer).toMatchObject({ status: 200, isBodyCut: true });
    expect(answer.body).toBe('x'.repeat(4 * 1_024));
    await hasClosed;
    // What fits into the buffers of the connection, and no more.
    expect(sentBytes).toBeLessThan(50 * 1_024 * 1_024);
  });

  it('of exactly 4 KiB is whole', async () => {
    partner.answers = [{ status: 200, body: 'x'.repeat(4 * 1_024) }];
    const answer = await post(partner.url);
    expect([answer.body.length, answer.isBodyCut]).toEqual([4 * 1_024, false]);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['never ends', () => {}],
    ['drips', drip],
    ['breaks off', (response) => setImmediate(() => response.destroy())],
  ])('that %s takes nothing from the status', async (_what, afterwards) => {
    partner.answers = [
      (response) => {
        response.writeHead(200).write('so far');
        afterwards(response);
      },
    ];
    const answer = await post(partner.url, { timeouts: { ...TIMEOUTS, bodyMs: 200 } });
    expect(answer).toEqual({ status: 200, body: expect.stringMatching(/^so far[.]*$/), isBodyCut: true });
  });
});

describe('WEBHOOKS_ALLOW_PRIVATE_TARGETS', () => {
  it.each([
    ['false', ['url_protocol_not_allowed', 'url_address_not_allowed']],
    ['true', []],
  ])('%s: http://127.0.0.1 has the problems %j', async (value, codes) => {
    const settings = await testSettings({ WEBHOOKS_ALLOW_PRIVATE_TARGETS: value });
    const module = class {};
    const context = await NestFactory.createApplicationContext(
      {
        module,
        imports: [ConfigModule.forRoot(settings), LoggingModule.forRoot('test', '0'), OutboundModule],
      },
      { logger: false },
    );
    try {
      const problems = context.get(OutboundClient).problemsOf('http://127.0.0.1/');
      expect(problems.map(({ code }) => code)).toEqual(codes);
      // Whoever tries it on one machine is told how.
      for (const { detail } of problems) expect(detail).toContain('WEBHOOKS_ALLOW_PRIVATE_TARGETS=true');
    } finally {
      await context.close();
    }
  });
});
