import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { DomainError, newId } from '#kernel';
import { httpErrors } from './http.errors.js';
import { PROBLEM_CONTENT_TYPE, toProblem } from './problem.js';

/** Why Node gave up on a request, by its error code: the status, and what to tell. */
const REASONS: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time.'],
  HPE_HEADER_OVERFLOW: [431, 'The headers are too large.'],
};

/** Answers what is not even HTTP, or not all of it: there is no request yet, only a connection. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) socket.write(responseTo(error.code ?? ''));
  socket.destroy(error);
}

function responseTo(errorCode: string): string {
  const [status, detail] = REASONS[errorCode] ?? [400, 'This is not a valid HTTP request.'];
  const requestId = newId();
  const problem = toProblem(new DomainError(httpErrors.malformed_request, { detail }), '', requestId);
  const body = JSON.stringify({ ...problem, status });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${PROBLEM_CONTENT_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-ID: ${requestId}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
