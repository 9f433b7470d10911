/** How exact `lastUsedAt` is: what is busy does not write a row with each call. */
const LAST_USE_PRECISION_MS = 60_000;

/**
 * Before when a last use must have been noted to be noted again now; undefined where it has been noted of late. The
 * statement that notes it compares again, so that of many calls at once one writes.
 */
export function staleSince(lastUsedAt: Date | null, now: Date): Date | undefined {
  const stale = new Date(now.getTime() - LAST_USE_PRECISION_MS);
  return lastUsedAt === null || lastUsedAt <= stale ? stale : undefined;
}
