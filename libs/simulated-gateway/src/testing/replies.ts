import type { Reply } from '../payment-simulator.js';
import { GatewayRefusal } from '../refusal.js';

/** What a request came to that was carried out. Throws what it was refused for. */
export function resultOf<T>({ executed }: Reply<T>): T {
  if ('refusal' in executed) throw executed.refusal;
  return executed.result;
}

/** Why `run` was refused. */
export function refusalOf(run: () => unknown): GatewayRefusal['details'] {
  try {
    run();
  } catch (error) {
    if (error instanceof GatewayRefusal) return error.details;
    throw error;
  }
  throw new Error('It was not refused.');
}
