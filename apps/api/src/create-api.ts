import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Config, type Settings } from '#platform/config';
import { buildOpenApi, createHttpApplication, serveOpenApi } from '#platform/http';
import { ApiModule } from './api.module.js';
import { VERSION } from './version.js';

/** Builds the API of one process: everything is wired, nothing listens yet. */
export async function createApi(settings: Settings, service?: string): Promise<NestFastifyApplication> {
  const app = await createHttpApplication(ApiModule.forRoot(settings, service), new Config(settings));
  serveOpenApi(app, buildOpenApi(app, VERSION));
  return app;
}
