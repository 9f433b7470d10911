import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Logger, PinoLogger } from 'nestjs-pino';
import {
  loadSettings,
  readEnvironment,
  SERVER_SETTINGS,
  type Settings,
  settingsFiles,
} from '#platform/config';
import { Lifecycle } from '#platform/lifecycle';
import { ManagementServer } from '#platform/management';
import {
  closeApplication,
  followConfiguration,
  listenOn,
  reachDatabase,
  runProcess,
} from '#platform/process';
import { FrameworkLogger } from '#platform/telemetry';
import { WorkerJobs } from './worker-jobs.js';
import { WorkerModule } from './worker.module.js';

/** The worker: everything that happens without a request. It listens on the management port only. */
await runProcess(async (parts, life) => {
  const env = readEnvironment();
  const load = () => loadSettings(env, { required: SERVER_SETTINGS });
  const settings = load();
  const app = await reachDatabase(settings.DATABASE_URL, () => createWorker(settings));
  parts.defer(() => closeApplication(app));
  followConfiguration(app, { load, files: settingsFiles(env) }, life);

  const management = app.get(ManagementServer, { strict: false });
  const managementPort = await listenOn('MANAGEMENT_PORT', settings, () => management.listen());
  parts.defer(() => management.close());

  const lifecycle = app.get(Lifecycle, { strict: false });
  const jobs = app.get(WorkerJobs, { strict: false });
  parts.defer(async () => {
    // Nobody sends a worker anything, so nobody has to notice first that it is going.
    await lifecycle.drain(0);
    await jobs.stop(settings.SHUTDOWN_GRACE_MS);
  });
  jobs.start();
  lifecycle.markStarted();

  const logger = await app.resolve(PinoLogger, undefined, { strict: false });
  logger.info({ management_port: managementPort }, 'The worker works');
});

async function createWorker(settings: Settings): Promise<INestApplicationContext> {
  const app = await NestFactory.createApplicationContext(WorkerModule.forRoot(settings), {
    bufferLogs: true,
    // Why a start failed is told by the process, once.
    autoFlushLogs: false,
    abortOnError: false,
  });
  app.useLogger(new FrameworkLogger(app.get(Logger, { strict: false })));
  app.flushLogs();
  return app;
}
