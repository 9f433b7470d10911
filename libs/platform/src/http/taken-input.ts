import type { Paramtype } from '@nestjs/common';
import { currentContext, type RequestContext } from '../context/index.js';

type Fields = Readonly<Record<string, unknown>>;
type TakenInput = Readonly<Partial<Record<Paramtype, Fields>>>;

const taken = new WeakMap<RequestContext, TakenInput>();

/** Remembers what the schema of a route has made of a part of the running request. */
export function noteTaken(part: Paramtype, value: unknown): void {
  if (value === null || typeof value !== 'object') return;
  const context = currentContext();
  const before = taken.get(context);
  taken.set(context, { ...before, [part]: { ...before?.[part], ...value } });
}

/**
 * What the route has taken of the running request: fields that its schemas name, and ids in one spelling. Whoever calls
 * may have sent more. It is there once the use case runs.
 */
export function takenInput(): TakenInput {
  return taken.get(currentContext()) ?? {};
}
