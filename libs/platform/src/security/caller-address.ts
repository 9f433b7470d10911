import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

const IPV4_AND_PORT = /^(\d+\.\d+\.\d+\.\d+):\d+$/;
const BRACKETED_IPV6 = /^\[([^\]]+)\](?::\d+)?$/;

/**
 * The IP address that a call came from, as its proxies tell. Some of them write the port beside it, which is another
 * with each connection. What is no address at all, because the last proxy that is trusted passes on what it is told,
 * counts as that proxy.
 */
export function callerAddress({ ip: told, socket }: Pick<FastifyRequest, 'ip' | 'socket'>): string {
  const [, bare = told] = IPV4_AND_PORT.exec(told) ?? BRACKETED_IPV6.exec(told) ?? [];
  return isIP(bare) === 0 ? (socket.remoteAddress ?? told) : bare;
}
