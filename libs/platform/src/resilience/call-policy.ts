import {
  BrokenCircuitError,
  bulkhead,
  BulkheadRejectedError,
  circuitBreaker,
  ConsecutiveBreaker,
  handleAll,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';

export interface CallPolicyOptions {
  /** Longest time of one call. */
  readonly timeoutMs: number;
  /** Calls under way at once, and calls that may wait for their turn. */
  readonly maxConcurrent: number;
  readonly maxQueued: number;
  /** Failures in a row that open the circuit, and how long it stays open before one call may try again. */
  readonly breakAfterFailures: number;
  readonly breakForMs: number;
}

/** The call was refused before it was made: the circuit is open or the queue is full. */
export class CallNotMade extends Error {
  constructor(cause: unknown) {
    super('The call was not made.', { cause });
    this.name = 'CallNotMade';
  }
}

/** Bounds calls to something that we do not own: a timeout, a limit of concurrency, a circuit breaker. */
export class CallPolicy {
  private readonly run;

  constructor(options: CallPolicyOptions) {
    this.run = wrap(
      circuitBreaker(handleAll, {
        halfOpenAfter: options.breakForMs,
        breaker: new ConsecutiveBreaker(options.breakAfterFailures),
      }),
      bulkhead(options.maxConcurrent, options.maxQueued),
      timeout(options.timeoutMs, TimeoutStrategy.Aggressive),
    );
  }

  /**
   * Makes the call. Its signal fires at the timeout, or when `signal` does.
   *
   * @throws CallNotMade when it was certainly not made; otherwise whatever the call threw, or a timeout
   */
  async call<T>(signal: AbortSignal, fn: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await this.run.execute((context) => fn(context.signal), signal);
    } catch (error) {
      if (error instanceof BrokenCircuitError || error instanceof BulkheadRejectedError)
        throw new CallNotMade(error);
      throw error;
    }
  }
}
