import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AdminServer } from './admin-server.js';

/**
 * Stops accepting connections and waits until what is in flight is answered, but not longer than `graceMs`: then the
 * connections that are left are cut. Both holds for the port for admins, too.
 */
export async function closeHttpServer(app: NestFastifyApplication, graceMs: number): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance();
  const adminServer = app.get(AdminServer, { strict: false });
  const cut = setTimeout(() => {
    fastify.server.closeAllConnections();
    adminServer.closeAllConnections();
  }, graceMs);
  await fastify.close();
  clearTimeout(cut);
}
