import { GatewayRefusal } from './refusal.js';

/** What an execution came to: a result, or a refusal that is kept like one. */
export type Executed<T> = { readonly result: T } | { readonly refusal: GatewayRefusal };

interface Kept {
  readonly fingerprint: string;
  readonly executed: Executed<unknown>;
  readonly keptAt: number;
  /** Until then, the request is still being carried out. */
  readonly busyUntil: number;
}

/**
 * The promise of idempotency keys as Stripe gives it: the first execution is kept, whatever it came to, and is the
 * answer to every later request of that key; a request that differs is refused, and so is one that comes while the
 * first is being carried out.
 */
export class IdempotencyKeys {
  private readonly kept = new Map<string, Kept>();

  constructor(private readonly now: () => number) {}

  /**
   * What was kept under `key` less than `retentionMs` ago; undefined when nothing was.
   *
   * @throws GatewayRefusal when it was kept for another request, or is still being carried out
   */
  recall(key: string, fingerprint: string, retentionMs: number): Executed<unknown> | undefined {
    const kept = this.kept.get(key);
    if (!kept || this.now() - kept.keptAt >= retentionMs) return undefined;
    if (kept.fingerprint !== fingerprint) {
      throw new GatewayRefusal({
        status: 400,
        type: 'idempotency_error',
        message: `Keys for idempotent requests can only be used with the same parameters and the same endpoint they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
      });
    }
    if (this.now() < kept.busyUntil) {
      throw new GatewayRefusal({
        status: 409,
        type: 'idempotency_error',
        code: 'idempotency_key_in_use',
        message: `There is currently another in-progress request using this Idempotency Key: ${key}`,
      });
    }
    return kept.executed;
  }

  /** @param busyMs how long the request is still being carried out, to whoever asks meanwhile */
  keep(key: string, fingerprint: string, executed: Executed<unknown>, busyMs: number): void {
    const keptAt = this.now();
    this.kept.set(key, { fingerprint, executed, keptAt, busyUntil: keptAt + busyMs });
  }
}

/** Runs `execute` and takes what it throws as what it came to, when that is a refusal. */
export function execution<T>(execute: () => T): Executed<T> {
  try {
    return { result: execute() };
  } catch (error) {
    if (error instanceof GatewayRefusal) return { refusal: error };
    throw error;
  }
}
