import { DomainError, newId } from '#kernel';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { LogFn } from 'pino';
import { currentContext, type RequestContext, runInContext } from '../context/index.js';
import type { Lifecycle } from '../lifecycle/index.js';
import { callerAddress, type RateLimits } from '../security/index.js';
import type { Metrics } from '../telemetry/index.js';
import type { AdminServer } from './admin-server.js';
import { API_PREFIX } from './api-prefix.js';
import { httpErrors } from './http.errors.js';
import { KnownMethods } from './known-methods.js';
import { PROBES } from './probes.js';
import type { ProblemFilter } from './problem.filter.js';
import { rememberState, stateOf } from './request-state.js';
import type { SecurityHeaders } from './security-headers.js';
import { streamsUpload } from './streams-upload.js';

/**
 * Ids as programs make them: UUIDs, ULIDs, the ids of traces. What is written elsewhere, such as an address of e-mail, is
 * none: the id is kept with what the request changes, for good, also when a person is erased.
 */
const REQUEST_ID = /^[\w-]{1,64}$/;
/** W3C Trace Context, version 00. */
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Orchestrators ask these every few seconds; a log line for each would bury the others. */
const QUIET_ROUTES: ReadonlySet<string> = new Set(Object.values(PROBES));

/** Whoever watches the deadline answers by itself within this time after it, and knows better what to say. */
const LATE_ANSWER_MS = 1_000;

export interface RequestLifecycleParts {
  readonly filter: ProblemFilter;
  readonly metrics: Metrics;
  readonly rateLimits: RateLimits;
  readonly setSecurityHeaders: SecurityHeaders;
  readonly lifecycle: Lifecycle;
  readonly adminServer: AdminServer;
  readonly logger: Readonly<Record<'info' | 'error', LogFn>>;
  /** From the first byte of a request to its deadline. */
  readonly timeoutMs: number;
  /** The same for a request that streams a file, which takes as long as it is large. */
  readonly uploadTimeoutMs: number;
}

/** What happens around every request: its context and deadline, the problem when it is refused, its log line. */
export class RequestLifecycle {
  private readonly knownMethods = { main: new KnownMethods(), admin: new KnownMethods() };

  constructor(private readonly parts: RequestLifecycleParts) {}

  /** Must be called before the routes are declared. */
  attachTo(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', (route) => {
      for (const surface of this.parts.adminServer.surfacesOf(route)) {
        this.knownMethods[surface].add(route.url, route.method);
      }
    });
    fastify.addHook('onRequest', (request, reply, done) => this.open(request, reply, done));
    // The body arrives on events of the socket, which know nothing of the request: enter its context again.
    fastify.addHook('preValidation', (request, _, done) => {
      const state = stateOf(request);
      if (state) runInContext(state.context, done);
      else done();
    });
    fastify.addHook('onSend', (request, reply, payload, done) => {
      if (stateOf(request)?.context.idempotencyReplayed) void reply.header('Idempotency-Replayed', 'true');
      // What an endpoint says nothing about belongs to whoever asked, and to no cache.
      // By its route: an address can be spelled in many ways.
      const path = request.routeOptions.url ?? request.url;
      const isUndecided = path.startsWith(`/${API_PREFIX}`) && !reply.hasHeader('Cache-Control');
      if (isUndecided) void reply.header('Cache-Control', 'no-store');
      // Whoever would come back on this connection finds another process instead.
      if (this.parts.lifecycle.isDraining) void reply.header('Connection', 'close');
      done(null, payload);
    });
    fastify.addHook('onResponse', (request, reply, done) => {
      this.report(request, reply);
      done();
    });
    fastify.setErrorHandler((error, request, reply) => this.parts.filter.answer(error, request, reply));
    fastify.setNotFoundHandler((request, reply) => this.answerUnknown(request, reply));
  }

  /** Lets in what is not too much and leads somewhere. Runs after the hooks that give every answer its headers. */
  guard(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', async (request, reply) => {
      await this.admit(request, reply);
      // Nothing of a request that leads nowhere needs to be read.
      if (!this.parts.adminServer.leadsSomewhere(request)) {
        this.answerUnknown(request, reply);
        return reply;
      }
      return undefined;
    });
  }

  /** Answers what the router refuses before any hook has run. */
  refuse(error: Error, request: FastifyRequest, reply: FastifyReply): void {
    this.open(request, reply, () => {
      reply.raw.once('finish', () => this.report(request, reply));
      const answer = (refusal: unknown) => this.parts.filter.answer(refusal, request, reply);
      void this.admit(request, reply).then(() => answer(error), answer);
    });
  }

  /** Probes are never too many: whoever does not get their answer restarts the process. */
  private async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { url } = request.routeOptions;
    if (url === undefined || !QUIET_ROUTES.has(url)) await this.parts.rateLimits.admit(request, reply);
  }

  /** Opens the context of a request before anything else runs, and ends its signal with the deadline. */
  private open(request: FastifyRequest, reply: FastifyReply, next: () => void): void {
    const timeoutMs = this.parts[streamsUpload(request) ? 'uploadTimeoutMs' : 'timeoutMs'];
    const aborter = new AbortController();
    const context = contextOf(request, aborter.signal);
    const expire = () => aborter.abort(new DomainError(httpErrors.deadline_exceeded));
    const answerLate = () => {
      // What is still to come of the request is not waited for.
      void reply.header('Connection', 'close');
      runInContext(context, () => this.parts.filter.answer(aborter.signal.reason, request, reply));
    };
    let timer = setTimeout(() => {
      if (stateOf(request)?.streamedFromMs !== undefined) return;
      expire();
      timer = setTimeout(answerLate, LATE_ANSWER_MS).unref();
    }, timeoutMs).unref();
    reply.raw.once('close', () => {
      clearTimeout(timer);
      if (!reply.raw.writableFinished) expire();
    });
    rememberState(request, { context });
    this.parts.setSecurityHeaders(request.raw, reply.raw);
    void reply.header('X-Request-ID', context.requestId);
    runInContext(context, next);
  }

  private answerUnknown(request: FastifyRequest, reply: FastifyReply): void {
    const surface = this.parts.adminServer.surfaceOf(request.raw);
    const methods = this.knownMethods[surface].of(request.url.split('?', 1)[0] ?? '');
    if (methods.length > 0) void reply.header('Allow', methods.join(', '));
    const definition = methods.length > 0 ? httpErrors.method_not_allowed : httpErrors.route_not_found;
    this.parts.filter.answer(new DomainError(definition), request, reply);
  }

  /** The one log line and the one observation of each request. */
  private report(request: FastifyRequest, reply: FastifyReply): void {
    const { metrics, logger, adminServer } = this.parts;
    const route = adminServer.leadsSomewhere(request) ? request.routeOptions.url : undefined;
    const { method } = request;
    const { statusCode: status, elapsedTime } = reply;
    const { context, errorCode, streamedFromMs } = stateOf(request) ?? {};
    // How long somebody listened says nothing about how long they waited.
    const durationMs = streamedFromMs ?? elapsedTime;
    metrics.observeRequest({ method, route, status, durationMs, errorCode });
    if (route !== undefined && QUIET_ROUTES.has(route)) return;
    logger[status >= 500 ? 'error' : 'info'](
      {
        request_id: context?.requestId,
        user_id: context?.actor.kind === 'user' ? context.actor.userId : undefined,
        key_id: context?.actor.kind === 'key' ? context.actor.keyId : undefined,
        method,
        route: route ?? '<unmatched>',
        status,
        duration_ms: rounded(durationMs),
        stream_ms: streamedFromMs === undefined ? undefined : rounded(elapsedTime - streamedFromMs),
        error: errorCode === undefined ? undefined : { type: errorCode },
      },
      'request',
    );
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}

function contextOf(request: FastifyRequest, signal: AbortSignal): RequestContext {
  const { 'x-request-id': requestId, traceparent, 'user-agent': userAgent } = request.headers;
  return {
    requestId: typeof requestId === 'string' && REQUEST_ID.test(requestId) ? requestId : newId(),
    ...(typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? { traceparent } : {}),
    client: { address: callerAddress(request), userAgent },
    signal,
    actor: currentContext().actor,
  };
}
