import { once } from 'node:events';
import type { IncomingMessage, Server, ServerOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Config } from '../config/index.js';
import { API_PREFIX } from './api-prefix.js';
import { createBoundedServer } from './bounded-server.js';

/** The port by which a request comes, and by which a route is answered. */
export type Surface = 'main' | 'admin';

/** What the hooks know of a route. */
interface RouteOfSurface {
  readonly url?: string | undefined;
  readonly config?: object | undefined;
}

/**
 * The port for admins, where ADMIN_PORT names one: a second door to the same application, behind which are the same
 * guards. The routes of the API that the policy leaves to admins are answered there alone, so that a network that
 * reaches only the main port reaches none of them; all others are answered on the main port alone. What is not below
 * the prefix of the API, such as probes and documentation, is on both. Without ADMIN_PORT everything is on the main port.
 */
@Injectable()
export class AdminServer {
  private readonly hasPort: boolean;
  private readonly requests = new WeakSet<IncomingMessage>();
  private fastify: FastifyInstance | undefined;
  private server: Server | undefined;

  constructor(private readonly config: Config) {
    this.hasPort = config.settings.ADMIN_PORT !== undefined;
  }

  /** Has the application answer here as well. What bounds slow clients of its own server bounds those of this one. */
  attachTo(fastify: FastifyInstance, options: ServerOptions): void {
    this.fastify = fastify;
    if (!this.hasPort) return;
    const server = createBoundedServer(options, (request, response) => {
      this.requests.add(request);
      fastify.routing(request, response);
    });
    server.on('clientError', (error, socket) => fastify.server.emit('clientError', error, socket));
    // Both stop to accept at once, and both are waited for.
    let closed: Promise<unknown> | undefined;
    fastify.addHook('preClose', (done) => {
      closed = server.listening ? once(server.close(), 'close') : undefined;
      done();
    });
    fastify.addHook('onClose', async () => {
      await closed;
    });
    this.server = server;
  }

  /** Starts to listen, where there is a port for admins, and returns it. */
  async listen(): Promise<number | undefined> {
    if (!this.server) return undefined;
    await this.fastify?.ready();
    this.server.listen({ host: this.config.settings.HOST, port: this.config.settings.ADMIN_PORT });
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  /** Cuts the connections that are left. */
  closeAllConnections(): void {
    this.server?.closeAllConnections();
  }

  surfaceOf(request: IncomingMessage): Surface {
    return this.requests.has(request) ? 'admin' : 'main';
  }

  /** By which ports a route is answered. */
  surfacesOf({ url = '', config }: RouteOfSurface): readonly Surface[] {
    if (!this.hasPort) return ['main'];
    if (!url.startsWith(`/${API_PREFIX}/`)) return ['main', 'admin'];
    return [(config as { isForAdmins?: boolean } | undefined)?.isForAdmins ? 'admin' : 'main'];
  }

  /** Whether a request has found a route, and by its port. */
  leadsSomewhere(request: FastifyRequest): boolean {
    return !request.is404 && this.surfacesOf(request.routeOptions).includes(this.surfaceOf(request.raw));
  }
}
