import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RequestContext } from '../context/index.js';

/** What the hooks of one request tell each other, from the first to the last. */
interface RequestState {
  readonly context: RequestContext;
  /** The code of the error that it was answered with. */
  errorCode?: string;
  /** When the answer began to stream, counted from the beginning of the request; it has no deadline since. */
  streamedFromMs?: number;
}

const states = new WeakMap<FastifyRequest, RequestState>();

export function rememberState(request: FastifyRequest, state: RequestState): void {
  states.set(request, state);
}

export function stateOf(request: FastifyRequest): RequestState | undefined {
  return states.get(request);
}

/** Remembers that the answer streams from now on, for as long as it likes. */
export function noteStream(request: FastifyRequest, reply: FastifyReply): void {
  const state = states.get(request);
  if (state) state.streamedFromMs = reply.elapsedTime;
}

/** Remembers with which code a request failed, for its log line and its metric. */
export function noteErrorCode(request: FastifyRequest, code: string): void {
  const state = states.get(request);
  if (state) state.errorCode = code;
}
