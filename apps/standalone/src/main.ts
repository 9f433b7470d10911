import type { AddressInfo, Server } from 'node:net';
import { newId } from '#kernel';
import { readEnvironment, type Settings, settingsFiles } from '#platform/config';
import { migrateUp } from '#platform/database';
import { AdminServer, closeHttpServer } from '#platform/http';
import { Lifecycle } from '#platform/lifecycle';
import { ManagementServer } from '#platform/management';
import {
  closeApplication,
  followConfiguration,
  listenOn,
  reachDatabase,
  requireFreePorts,
  runProcess,
} from '#platform/process';
import { migrations } from '../../../migrations/index.js';
import { createApi, ensureDemoData, VERSION } from '../../api/src/index.js';
import { WorkerJobs } from '../../worker/src/index.js';
import { keepSecrets, type Secrets } from './kept-secrets.js';
import { openDatabase } from './open-database.js';
import { loadStandaloneSettings } from './standalone-settings.js';
import { StandaloneModule } from './standalone.module.js';
import { welcomeText } from './welcome.js';

/** `npm start`: everything in one process, on a PostgreSQL of our own unless DATABASE_URL names another. */
await runProcess(async (parts, life) => {
  const env = readEnvironment();
  const given = loadStandaloneSettings(env);
  await requireFreePorts(given);
  const database = await openDatabase(given, parts, life);
  const made = { DATABASE_URL: database.url, ...(await secretsFor(given)) };
  const complete = (loaded: Settings): Settings => ({ ...made, ...loaded });
  const settings = complete(given);
  await reachDatabase(database.url, () => migrateUp(database.url, migrations));
  life.stopping.throwIfAborted();

  const app = await createApi(settings, StandaloneModule.forRoot(settings));
  parts.defer(() => closeApplication(app));
  const load = () => complete(loadStandaloneSettings(env));
  followConfiguration(app, { load, files: settingsFiles(env) }, life);
  const accounts = settings.DEMO_DATA ? await ensureDemoData(app) : [];
  life.stopping.throwIfAborted();

  const management = app.get(ManagementServer, { strict: false });
  const managementPort = await listenOn('MANAGEMENT_PORT', settings, () => management.listen());
  parts.defer(() => management.close());

  const lifecycle = app.get(Lifecycle);
  const jobs = app.get(WorkerJobs);
  parts.defer(async () => {
    await lifecycle.drain(settings.DRAIN_DELAY_MS);
    const graceMs = settings.SHUTDOWN_GRACE_MS;
    await Promise.all([closeHttpServer(app, graceMs), jobs.stop(graceMs)]);
  });
  jobs.start();
  const adminPort = await listenOn('ADMIN_PORT', settings, () => app.get(AdminServer).listen());
  await listenOn('PORT', settings, () => app.listen(settings.PORT, settings.HOST));
  lifecycle.markStarted();

  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  console.log(
    welcomeText({
      version: VERSION,
      url: urlOf(settings.HOST, port),
      adminUrl: adminPort === undefined ? undefined : urlOf(settings.HOST, adminPort),
      metricsUrl: settings.METRICS_ENABLED ? `${urlOf(settings.HOST, managementPort)}/metrics` : undefined,
      database: database.place,
      startedInMs: performance.now(),
      accounts,
      idempotencyKey: newId(),
    }),
  );
  life.stopping.addEventListener('abort', () => console.log('\nStopping … (Ctrl-C again: at once)'));
});

/** The secrets of the data directory, where not all of them are set. */
async function secretsFor(settings: Settings): Promise<Partial<Secrets>> {
  const { APP_SECRET, SIGNING_KEYS, STEELYARD_DATA_DIR } = settings;
  return APP_SECRET && SIGNING_KEYS ? {} : keepSecrets(STEELYARD_DATA_DIR);
}

/** A server that listens on all addresses is reached on this machine by the loopback one. */
function urlOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
