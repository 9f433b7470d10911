import { AsyncLocalStorage } from 'node:async_hooks';
import { ANONYMOUS, type Actor, newId } from '#kernel';

/** What belongs to one request, one job or one consumed event, and follows it through every `await`. */
export interface RequestContext {
  readonly requestId: string;
  /** W3C trace context of the caller, or of what caused the consumed event, where there is one. */
  readonly traceparent?: string | undefined;
  /** Who sends the request, as far as the network tells; absent where there is none. */
  readonly client?: { readonly address: string; readonly userAgent: string | undefined };
  /** Fires when the deadline has passed or the client has gone: work whose answer nobody waits for ends. */
  readonly signal: AbortSignal;
  actor: Actor;
  /** Set when the answer is the stored one of an earlier call with the same idempotency key. */
  idempotencyReplayed?: boolean;
  /** The id of what the request has made or was about, where none is in its address: the audit log names it. */
  subjectId?: string;
}

const storage = new AsyncLocalStorage<RequestContext>();

/** Runs `fn` and all that it awaits inside `context`. */
export function runInContext<T>(context: RequestContext, fn: () => T): T {
  return storage.run(context, fn);
}

/** Runs `fn` as the system itself under a fresh request id: timers, the relay, consumers, scripts. */
export function runAsSystem<T>(name: string, fn: () => T, signal = new AbortController().signal): T {
  return storage.run({ requestId: newId(), signal, actor: { kind: 'system', name } }, fn);
}

/** The context of the running request or job. Outside of any, an anonymous one without a deadline. */
export function currentContext(): RequestContext {
  return storage.getStore() ?? { requestId: 'none', signal: new AbortController().signal, actor: ANONYMOUS };
}

/** Who acts in the running request or job. */
export function currentActor(): Actor {
  return currentContext().actor;
}
