import { Readable } from 'node:stream';
import { DomainError } from '#kernel';
import fastify, { type FastifyInstance } from 'fastify';
import { MAX_BODY_BYTES, takeJsonBodies } from './bodies.js';

describe('a body', () => {
  let server: FastifyInstance;
  beforeEach(async () => {
    server = fastify();
    server.setErrorHandler((error, _, reply) => {
      void reply.send({ code: error instanceof DomainError ? error.code : 'unknown' });
    });
    takeJsonBodies(server);
    server.post('/parsed', ({ body }) => ({ body }));
    server.post('/kept', { config: { keepsRawBody: true } }, ({ body }) => ({ kept: String(body) }));
    await server.ready();
  });
  afterEach(() => server.close());

  const post = async (url: string, payload: string | Readable, hasError = false): Promise<unknown> => {
    const simulate = { end: true, split: false, error: hasError, close: false };
    const headers = { 'content-type': 'application/json' };
    return (await server.inject({ method: 'POST', url, headers, payload, simulate })).json();
  };
  const cut = (text: string, length: number) => {
    const bytes = Buffer.from(text);
    const pieces = Array.from({ length: Math.ceil(bytes.length / length) }, (_, index) =>
      bytes.subarray(index * length, (index + 1) * length),
    );
    return Readable.from(pieces);
  };
  const jsonOf = (length: number) => `"${'x'.repeat(length - 2)}"`;

  it.each([1, 7, 5_000, 100_000])('is parsed, be it cut into pieces of %d bytes', async (length) => {
    const body = { note: 'crème brûlée '.repeat(3_000) };
    expect(await post('/parsed', cut(JSON.stringify(body), length))).toEqual({ body });
  });

  it('is kept as it came where somebody has signed it, be it no JSON at all', async () => {
    expect(await post('/kept', '{ "a":')).toEqual({ kept: '{ "a":' });
  });

  it('is taken up to its largest size, whether or not that is told before', async () => {
    const largest = jsonOf(MAX_BODY_BYTES);
    const larger = jsonOf(MAX_BODY_BYTES + 1);
    const taken = { body: JSON.parse(largest) as string };
    for (const url of ['/parsed', '/kept']) {
      expect(await post(url, larger)).toEqual({ code: 'body_too_large' });
      expect(await post(url, cut(larger, 10_000))).toEqual({ code: 'body_too_large' });
    }
    expect(await post('/parsed', largest)).toEqual(taken);
    expect(await post('/parsed', cut(largest, 10_000))).toEqual(taken);
  });

  it('that breaks off is nobody’s fault but the caller’s', async () => {
    expect(await post('/parsed', '{}', true)).toEqual({ code: 'malformed_request' });
  });
});
