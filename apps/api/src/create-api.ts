import type { DynamicModule } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Settings } from '#platform/config';
import { buildOpenApi, createHttpApplication, serveOpenApi } from '#platform/http';
import { ApiModule } from './api.module.js';
import { TAGS } from './tags.js';
import { VERSION } from './version.js';

/**
 * Builds the API of one process: everything is wired and reacts to events, nothing listens yet.
 *
 * @param module what the process runs, where that is more than the API
 */
export async function createApi(
  settings: Settings,
  module: DynamicModule = ApiModule.forRoot(settings),
): Promise<NestFastifyApplication> {
  const app = await createHttpApplication(module, settings);
  serveOpenApi(app, () => buildOpenApi(app, { version: VERSION, tags: TAGS }));
  // Listening would do it, too; but whatever is published before that must find everybody who reacts to it.
  await app.init();
  return app;
}
