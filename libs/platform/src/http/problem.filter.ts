import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PinoLogger } from 'nestjs-pino';
import { currentContext } from '../context/index.js';
import { securityErrors } from '../security/index.js';
import { noteErrorCode } from './request-state.js';
import { PROBLEM_CONTENT_TYPE, STATUS_OF_KIND, toDomainError, toProblem } from './problem.js';

/** Turns whatever a request threw into its problem document. The only place that answers with an error. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: PinoLogger) {
    logger.setContext('http');
  }

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  /** Also for what fails outside Nest's reach: body parsing and unknown routes. */
  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = toDomainError(thrown);
    const status = STATUS_OF_KIND[error.kind];
    if (status === 500) this.logger.error({ err: error.cause ?? error }, 'The request failed unexpectedly');
    noteErrorCode(request, error.code);
    if (reply.sent) return;
    const path = request.url.split('?', 1)[0] ?? request.url;
    const problem = toProblem(error, path, currentContext().requestId);
    if (error.retryAfterSeconds !== undefined) {
      void reply.header('Retry-After', String(error.retryAfterSeconds));
      if (status === 429) tellNothingLeft(reply, error.retryAfterSeconds);
    }
    if (status === 401) void reply.header('WWW-Authenticate', challengeFor(error.code));
    void reply
      .status(status)
      .header('Content-Type', PROBLEM_CONTENT_TYPE)
      .serializer(JSON.stringify)
      .send(problem);
  }
}

/** What RFC 6750 has say that it is the token, and not that there is none. */
function challengeFor(code: string): string {
  return code === securityErrors.invalid_token.code ? 'Bearer error="invalid_token"' : 'Bearer';
}

/** Whoever guesses is refused while calls are left: by the headers, too, none is until the pause is over. */
function tellNothingLeft(reply: FastifyReply, seconds: number): void {
  const [policy] = String(reply.getHeader('RateLimit') ?? '').split(';', 1);
  if (policy) void reply.header('RateLimit', `${policy};r=0;t=${seconds}`);
}
