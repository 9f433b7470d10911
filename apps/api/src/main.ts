import { PinoLogger } from 'nestjs-pino';
import { loadSettings, readEnvironment, SERVER_SETTINGS, settingsFiles } from '#platform/config';
import { AdminServer, closeHttpServer } from '#platform/http';
import { Lifecycle } from '#platform/lifecycle';
import { ManagementServer } from '#platform/management';
import {
  closeApplication,
  followConfiguration,
  listenOn,
  reachDatabase,
  runProcess,
} from '#platform/process';
import { createApi } from './create-api.js';
import { ensureDemoData } from './demo-data.js';

/** The API alone: REST and Swagger UI. A worker runs beside it. */
await runProcess(async (parts, life) => {
  const env = readEnvironment();
  const load = () => loadSettings(env, { required: SERVER_SETTINGS });
  const settings = load();
  const app = await reachDatabase(settings.DATABASE_URL, () => createApi(settings));
  parts.defer(() => closeApplication(app));
  followConfiguration(app, { load, files: settingsFiles(env) }, life);
  if (settings.DEMO_DATA) await ensureDemoData(app);

  const management = app.get(ManagementServer, { strict: false });
  const managementPort = await listenOn('MANAGEMENT_PORT', settings, () => management.listen());
  parts.defer(() => management.close());

  const lifecycle = app.get(Lifecycle);
  parts.defer(async () => {
    await lifecycle.drain(settings.DRAIN_DELAY_MS);
    await closeHttpServer(app, settings.SHUTDOWN_GRACE_MS);
  });
  const adminPort = await listenOn('ADMIN_PORT', settings, () => app.get(AdminServer).listen());
  await listenOn('PORT', settings, () => app.listen(settings.PORT, settings.HOST));
  lifecycle.markStarted();

  const logger = await app.resolve(PinoLogger);
  const ports = { management_port: managementPort, admin_port: adminPort };
  logger.info({ url: await app.getUrl(), ...ports }, 'The API listens');
});
