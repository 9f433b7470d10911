import {
  bulkhead,
  circuitBreaker,
  ConsecutiveBreaker,
  handleWhen,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';

export interface CallPolicyOptions {
  /** Longest time of one call. */
  readonly timeoutMs: number;
  /** Calls under way at once; one more is refused at once, because waiting would outlive its caller's deadline. */
  readonly maxConcurrent: number;
  /** Failures in a row that open the circuit, and how long it stays open before one call may try again. */
  readonly breakAfterFailures: number;
  readonly breakForMs: number;
}

/** The call was certainly not made: the circuit is open, too many are under way, or the caller had gone. */
export class CallNotMade extends Error {
  constructor(cause: unknown) {
    super('The call was not made.', { cause });
    this.name = 'CallNotMade';
  }
}

/** Bounds calls to something that we do not own: a timeout, a limit of concurrency, a circuit breaker. */
export class CallPolicy {
  private readonly run;
  private readonly limit;

  constructor(options: CallPolicyOptions) {
    // What a caller gave up on, or was refused here, says nothing about whom we call.
    const isTheirFailure = handleWhen((error) => !(error instanceof CallerGaveUp));
    this.run = wrap(
      bulkhead(options.maxConcurrent),
      circuitBreaker(isTheirFailure, {
        halfOpenAfter: options.breakForMs,
        breaker: new ConsecutiveBreaker(options.breakAfterFailures),
      }),
    );
    // Inside the classification of failures, because it ends with the caller's signal too.
    this.limit = timeout(options.timeoutMs, TimeoutStrategy.Aggressive);
  }

  /**
   * Makes the call. Its signal fires at the timeout, or when `signal` does.
   *
   * @throws CallNotMade when it was certainly not made; otherwise whatever the call threw, or a timeout
   */
  async call<T>(signal: AbortSignal, fn: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const progress = { isMade: false };
    try {
      return await this.run.execute(() => {
        if (signal.aborted) throw new CallerGaveUp(signal.reason);
        progress.isMade = true;
        return callFor(signal, () => this.limit.execute((context) => fn(context.signal), signal));
      }, signal);
    } catch (error) {
      const cause = error instanceof CallerGaveUp ? error.cause : error;
      if (!progress.isMade) throw new CallNotMade(cause);
      throw cause;
    }
  }
}

/** Tells a failure of the call from the end of its caller's patience. */
async function callFor<T>(caller: AbortSignal, fn: () => Promise<T>): Promise<T> {
  try {
    return await fn();
  } catch (error) {
    throw caller.aborted ? new CallerGaveUp(error) : error;
  }
}

/** The caller went away, or its deadline passed, while the call was under way. */
class CallerGaveUp extends Error {
  constructor(cause: unknown) {
    super('The caller gave up.', { cause });
  }
}
