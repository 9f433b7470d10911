import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Ports from which no operating system takes those of outgoing connections. */
const FIRST_PORT = 10_000;
const LAST_PORT = 32_000;
const givenPorts = new Set<number>();

/**
 * A port of 127.0.0.1 on which nobody listens. It is still free when a server comes back after its death: outgoing
 * connections, which come and go all the time, do not take it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (givenPorts.has(port)) continue;
    givenPorts.add(port);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen({ port, host: '127.0.0.1', exclusive: true });
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
