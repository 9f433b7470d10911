import { loadSettings } from '#platform/config';
import { buildOpenApi, previewHttpApplication } from '#platform/http';
import { ApiModule } from './api.module.js';
import { TAGS } from './tags.js';
import { VERSION } from './version.js';

/** The OpenAPI document of the API, without a database and without a server. */
export async function describeApi(): Promise<object> {
  return buildOpenApi(await previewHttpApplication(ApiModule.forRoot(loadSettings({}))), {
    version: VERSION,
    tags: TAGS,
  });
}
