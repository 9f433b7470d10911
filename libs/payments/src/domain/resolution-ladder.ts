/** How long each way of finding out about an operation is good for, counted from when it was first sent. */
export interface LadderBounds {
  /**
   * Until then it is sent again, under the same key. Then the gateway has come to rest about it: what it does not know
   * it will not learn any more from a request that is still on its way somewhere.
   */
  readonly settleAfterMs: number;
  /** From then on only staff can say what became of it. Lies within the time for which the gateway keeps keys. */
  readonly attentionAfterMs: number;
}

/**
 * What to do next about an operation whose outcome nobody knows:
 *
 * - `send`: the same request under the same key, which has its effect once;
 * - `ask`: what the gateway knows by our reference; where it knows nothing, make sure that it never will;
 * - `ask_once_more`: as before, but then staff have to decide.
 */
export type Rung = 'send' | 'ask' | 'ask_once_more';

/** @param sentForMs time since it was first sent; undefined when it never was */
export function rungAfter(sentForMs: number | undefined, bounds: LadderBounds): Rung {
  if (sentForMs === undefined || sentForMs < bounds.settleAfterMs) return 'send';
  return sentForMs < bounds.attentionAfterMs ? 'ask' : 'ask_once_more';
}
