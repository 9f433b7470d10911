import type { FastifyRequest } from 'fastify';
import type { RequestContext } from '../context/index.js';

/** What the hooks of one request tell each other, from the first to the last. */
interface RequestState {
  readonly context: RequestContext;
  /** The code of the error that it was answered with. */
  errorCode?: string;
}

const states = new WeakMap<FastifyRequest, RequestState>();

export function rememberState(request: FastifyRequest, state: RequestState): void {
  states.set(request, state);
}

export function stateOf(request: FastifyRequest): RequestState | undefined {
  return states.get(request);
}

/** Remembers with which code a request failed, for its log line and its metric. */
export function noteErrorCode(request: FastifyRequest, code: string): void {
  const state = states.get(request);
  if (state) state.errorCode = code;
}
