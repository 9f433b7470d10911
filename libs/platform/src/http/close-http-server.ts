import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/**
 * Stops accepting connections and waits until what is in flight is answered, but not longer than `graceMs`: then the
 * connections that are left are cut.
 */
export async function closeHttpServer(app: NestFastifyApplication, graceMs: number): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance();
  const cut = setTimeout(() => fastify.server.closeAllConnections(), graceMs);
  await fastify.close();
  clearTimeout(cut);
}
