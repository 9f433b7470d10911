interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** How long to wait before another try: the first time `firstMs`, twice as long each time, and never above `longestMs`. */
export function backoffMs({ firstMs, longestMs }: Backoff, failuresBefore: number): number {
  return Math.min(firstMs * 2 ** failuresBefore, longestMs);
}
