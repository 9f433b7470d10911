import {
  type DynamicModule,
  type INestApplicationContext,
  type LoggerService,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import multipart from '@fastify/multipart';
import { DomainError, newId } from '#kernel';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Logger, PinoLogger } from 'nestjs-pino';
import type { LogFn } from 'pino';
import { Config } from '../config/index.js';
import { currentContext, type RequestContext, runInContext } from '../context/index.js';
import { Metrics } from '../telemetry/index.js';
import { httpErrors } from './http.errors.js';
import { ProblemFilter } from './problem.filter.js';
import { rememberState, stateOf } from './request-state.js';

export const API_PREFIX = 'api/v1';
const BODY_LIMIT_BYTES = 1_048_576;
/** Uploads are streamed row by row, so they may be far larger than a body that is parsed at once. */
const UPLOAD_LIMIT_BYTES = 268_435_456;
const SANE_REQUEST_ID = /^[\w.:/+=@-]{1,128}$/;

/** Orchestrators ask these every few seconds; a log line for each would bury the others. */
const QUIET_ROUTES = new Set(['/healthz', '/readyz', '/startupz', '/health']);

type RequestLogger = Readonly<Record<'info' | 'error', LogFn>>;

/** What the framework itself has to say, without its line for every module and route at start. */
class FrameworkLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(): void {
    // Which modules and routes there are is known from the code.
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.logger.warn(message, ...rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.logger.error(message, ...rest);
  }
}

/** Builds the HTTP application of `module`: Fastify, request context, problems, one log line per request. */
export async function createHttpApplication(
  module: Type | DynamicModule,
  config: Config,
): Promise<NestFastifyApplication> {
  const { REQUEST_TIMEOUT_MS, TRUSTED_PROXIES } = config.settings;
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    trustProxy: TRUSTED_PROXIES === '' ? false : TRUSTED_PROXIES.split(',').map((range) => range.trim()),
    routerOptions: { maxParamLength: 256 },
    return503OnClosing: true,
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    bufferLogs: true,
    abortOnError: false,
  });
  const logger = await app.resolve(PinoLogger);
  app.useLogger(new FrameworkLogger(app.get(Logger)));
  app.setGlobalPrefix(API_PREFIX, {
    exclude: ['healthz', 'readyz', 'startupz', 'health', '.well-known/jwks.json', 'docs/errors'],
  });
  const fastify = app.getHttpAdapter().getInstance();
  openContexts(fastify, REQUEST_TIMEOUT_MS);
  reportRequests(app, fastify, logger.logger);
  await fastify.register(multipart, { limits: { files: 1, fileSize: UPLOAD_LIMIT_BYTES } });
  answerProblems(app, fastify);
  return app;
}

/** Answers problems also where Nest's filters do not reach: unknown routes, and bodies that do not parse. */
function answerProblems(app: INestApplicationContext, fastify: FastifyInstance): void {
  const filter = app.get(ProblemFilter);
  fastify.setErrorHandler((error, request, reply) => filter.answer(error, request, reply));
}

/** Opens the context of each request before anything else runs, and ends its signal with the deadline. */
function openContexts(fastify: FastifyInstance, timeoutMs: number): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const aborter = new AbortController();
    const expire = () => aborter.abort(new DomainError(httpErrors.deadline_exceeded));
    const timer = setTimeout(expire, timeoutMs).unref();
    reply.raw.once('close', () => {
      clearTimeout(timer);
      if (!reply.raw.writableFinished) expire();
    });
    const context = contextOf(request, aborter.signal);
    rememberState(request, { context });
    void reply.header('X-Request-ID', context.requestId);
    runInContext(context, done);
  });
  // The body arrives on events of the socket, which know nothing of the request: enter its context again.
  fastify.addHook('preValidation', (request, _, done) => {
    const state = stateOf(request);
    if (state) runInContext(state.context, done);
    else done();
  });
  fastify.addHook('onSend', (request, reply, payload, done) => {
    if (stateOf(request)?.context.idempotencyReplayed) void reply.header('Idempotency-Replayed', 'true');
    done(null, payload);
  });
}

function contextOf(request: FastifyRequest, signal: AbortSignal): RequestContext {
  const { 'x-request-id': requestId, traceparent } = request.headers;
  return {
    requestId: typeof requestId === 'string' && SANE_REQUEST_ID.test(requestId) ? requestId : newId(),
    ...(typeof traceparent === 'string' ? { traceparent } : {}),
    signal,
    actor: currentContext().actor,
  };
}

/** The one log line and the one observation of each request. */
function reportRequests(app: INestApplicationContext, fastify: FastifyInstance, logger: RequestLogger): void {
  const metrics = app.get(Metrics);
  fastify.addHook('onResponse', (request: FastifyRequest, reply: FastifyReply, done) => {
    const route = request.is404 ? undefined : request.routeOptions.url;
    const state = stateOf(request);
    const durationMs = reply.elapsedTime;
    metrics.observeRequest({
      method: request.method,
      route,
      status: reply.statusCode,
      durationMs,
      errorCode: state?.errorCode,
    });
    if (route === undefined || !QUIET_ROUTES.has(route)) {
      const actor = state?.context.actor;
      logger[reply.statusCode >= 500 ? 'error' : 'info'](
        {
          request_id: state?.context.requestId,
          user_id: actor?.kind === 'user' ? actor.userId : undefined,
          method: request.method,
          route: route ?? '<unmatched>',
          status: reply.statusCode,
          duration_ms: Math.round(durationMs * 100) / 100,
          error: state?.errorCode === undefined ? undefined : { type: state.errorCode },
        },
        'request',
      );
    }
    done();
  });
}
