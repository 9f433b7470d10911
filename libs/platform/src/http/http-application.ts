import type { RequestListener } from 'node:http';
import { type DynamicModule, type INestApplication, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import multipart from '@fastify/multipart';
import { DomainError } from '#kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Logger, PinoLogger } from 'nestjs-pino';
import { type Settings } from '../config/index.js';
import { Lifecycle } from '../lifecycle/index.js';
import { RateLimits } from '../security/index.js';
import { FrameworkLogger, Metrics } from '../telemetry/index.js';
import { AdminServer } from './admin-server.js';
import { API_PREFIX } from './api-prefix.js';
import { MAX_BODY_BYTES, takeJsonBodies } from './bodies.js';
import { createBoundedServer } from './bounded-server.js';
import { answerBrokenRequest } from './broken-request.js';
import { httpErrors } from './http.errors.js';
import { allowOrigins } from './cors.js';
import { PROBES } from './probes.js';
import { ProblemFilter } from './problem.filter.js';
import { RequestLifecycle } from './request-lifecycle.js';
import { securityHeaders } from './security-headers.js';
import { streamsUpload } from './streams-upload.js';

/** Uploads are streamed row by row, so they may be far larger than a body that is parsed at once. */
const UPLOAD_LIMIT_BYTES = 268_435_456;
/** Longest time that a file may take to arrive and to be worked off, however large. */
const UPLOAD_TIMEOUT_MS = 300_000;
/** How long a connection waits for its next request: longer than the load balancers in front, which reuse it. */
const KEEP_ALIVE_MS = 72_000;
/** How often Node looks for connections that take too long; between two looks they get away with it. */
const SLOWNESS_CHECK_MS = 1_000;

/** Builds the HTTP application of `module`: Fastify, request context, problems, one log line per request. */
export async function createHttpApplication(
  module: Type | DynamicModule,
  settings: Settings,
): Promise<NestFastifyApplication> {
  const { CORS_ORIGINS, NODE_ENV, REQUEST_TIMEOUT_MS, TRUSTED_PROXIES } = settings;
  // Until the headers are there nobody knows the route. How long a body may take is the route's deadline.
  const serverOptions = {
    headersTimeout: Math.min(REQUEST_TIMEOUT_MS, UPLOAD_TIMEOUT_MS),
    requestTimeout: UPLOAD_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: SLOWNESS_CHECK_MS,
  };
  const adapter = new FastifyAdapter({
    bodyLimit: MAX_BODY_BYTES,
    serverFactory: (handle: RequestListener) => createBoundedServer(serverOptions, handle),
    trustProxy: TRUSTED_PROXIES.length > 0 && TRUSTED_PROXIES,
    routerOptions: { maxParamLength: 256 },
    // Whoever still has a connection while the server stops is served on it: a rolling restart fails no request.
    return503OnClosing: false,
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      lifecycle.refuse(error, request, reply),
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    bufferLogs: true,
    // Why a start failed is told by the process, once.
    autoFlushLogs: false,
    abortOnError: false,
    // Fastify parses JSON by itself; Nest would add forms, which nothing here takes.
    bodyParser: false,
  });
  app.useLogger(new FrameworkLogger(app.get(Logger)));
  app.flushLogs();
  setAddresses(app);
  const fastify = adapter.getInstance();
  const adminServer = app.get(AdminServer);
  adminServer.attachTo(fastify, serverOptions);
  const { logger } = await app.resolve(PinoLogger);
  const lifecycle = new RequestLifecycle({
    filter: app.get(ProblemFilter),
    metrics: app.get(Metrics),
    rateLimits: app.get(RateLimits),
    setSecurityHeaders: securityHeaders({ isProduction: NODE_ENV === 'production' }),
    lifecycle: app.get(Lifecycle),
    adminServer,
    logger,
    timeoutMs: REQUEST_TIMEOUT_MS,
    uploadTimeoutMs: UPLOAD_TIMEOUT_MS,
  });
  takeJsonBodies(fastify);
  lifecycle.attachTo(fastify);
  await allowOrigins(fastify, CORS_ORIGINS);
  lifecycle.guard(fastify);
  await fastify.register(multipart, { limits: { files: 1, fileSize: UPLOAD_LIMIT_BYTES } });
  // Whether a body is a form is known once its parser was chosen.
  fastify.addHook('preValidation', (request, _reply, done) => {
    const isRefused = request.isMultipart() && !streamsUpload(request);
    done(isRefused ? new DomainError(httpErrors.unsupported_media_type) : undefined);
  });
  // Nest would put handlers of its own in place of ours, which lose the codes of Fastify's errors.
  adapter.setErrorHandler = () => fastify;
  adapter.setNotFoundHandler = () => fastify;
  return app;
}

/** The application of `module` without an instance of anything: enough to read its routes, and nothing connects. */
export async function previewHttpApplication(module: Type | DynamicModule): Promise<INestApplication> {
  const app = await NestFactory.create(module, new FastifyAdapter(), {
    preview: true,
    logger: false,
    abortOnError: false,
  });
  setAddresses(app);
  return app;
}

function setAddresses(app: INestApplication): void {
  app.setGlobalPrefix(API_PREFIX, {
    exclude: [...Object.values(PROBES), '.well-known/jwks.json', 'docs/errors', 'dev/mailbox'],
  });
}
