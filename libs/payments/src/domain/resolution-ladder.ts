/** How long each way of finding out about an operation is good for, counted from when it was first sent. */
export interface LadderBounds {
  /**
   * Until then it is sent again, under the same key. As long again after that the gateway has come to rest about it:
   * what it does not know then it will not learn any more from a request that is still on its way somewhere.
   */
  readonly settleAfterMs: number;
  /** From then on only staff can say what became of it. Lies within the time for which the gateway keeps keys. */
  readonly attentionAfterMs: number;
}

/**
 * What to do next about an operation whose outcome nobody knows:
 *
 * - `send`: the same request under the same key, which has its effect once;
 * - `ask`: what the gateway knows by our reference;
 * - `conclude`: the same; where it knows nothing, make certain that it never will, or have it done at last;
 * - `ask_once_more`: what it knows by our reference, but then staff have to decide.
 */
export type Rung = 'send' | 'ask' | 'conclude' | 'ask_once_more';

/** @param sentForMs time since it was first sent; undefined when it never was */
export function rungAfter(sentForMs: number | undefined, bounds: LadderBounds): Rung {
  const { settleAfterMs, attentionAfterMs } = bounds;
  if (sentForMs === undefined || sentForMs < settleAfterMs) return 'send';
  if (sentForMs >= attentionAfterMs) return 'ask_once_more';
  return sentForMs < 2 * settleAfterMs ? 'ask' : 'conclude';
}
