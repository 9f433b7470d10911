import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Requests of one connection that are answered at once. Browsers and proxies send the next one after the answer; who
 * does not has this many begun, and repeats the others on another connection (RFC 9112, section 9.3.2).
 */
const MAX_OPEN_PER_CONNECTION = 16;

/** A server of which no connection has more requests open than it may, and of which every request has an address. */
export function createBoundedServer(options: ServerOptions, handle: RequestListener): Server {
  const openRequests = new WeakMap<Socket, number>();
  const server = createServer(options, (request, response) => {
    const { socket } = request;
    // Node goes on with what it has read, also when nobody waits for answers any more.
    if (socket.destroyed) return;
    const open = (openRequests.get(socket) ?? 0) + 1;
    if (open > MAX_OPEN_PER_CONNECTION) {
      socket.pause();
      return;
    }
    openRequests.set(socket, open);
    response.once('close', () => openRequests.set(socket, (openRequests.get(socket) ?? 1) - 1));
    // With this answer the connection ends: what came after it is not begun.
    if (open === MAX_OPEN_PER_CONNECTION) response.shouldKeepAlive = false;
    handle(request, response);
  });
  server.on('connection', (socket) => {
    // Node keeps an address that it was asked for; later on a connection that was reset has none.
    if (socket.remoteAddress === undefined) socket.destroy();
  });
  return server;
}
