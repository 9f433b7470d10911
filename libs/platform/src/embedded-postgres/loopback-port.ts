import { once } from 'node:events';
import { createServer } from 'node:net';

import { EmbeddedPostgresError, errnoCode } from './errors.js';

/** The only address on which the server listens. */
export const LOOPBACK_HOST = '127.0.0.1';

/**
 * Returns a port of the loopback interface on which nobody listens at this moment.
 *
 * @param port the wanted one; without it the operating system chooses
 * @throws EmbeddedPostgresError `port_unavailable` when the wanted port is taken or reserved
 */
export async function findLoopbackPort(port?: number): Promise<number> {
  const server = createServer();
  try {
    server.listen({ host: LOOPBACK_HOST, port: port ?? 0, exclusive: true });
    await once(server, 'listening');
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'port_unavailable',
      `Port ${port ?? ''} of ${LOOPBACK_HOST}, wanted for the embedded PostgreSQL, is ${errnoCode(cause) === 'EADDRINUSE' ? 'in use by another program' : `not available (${errnoCode(cause) ?? 'unknown reason'})`}: choose another port.`,
      { cause },
    );
  }
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}
