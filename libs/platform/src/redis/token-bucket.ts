/** How much fits into a bucket, and how long an empty one takes to fill. */
export interface BucketSize {
  /** Tokens that a full bucket holds: so many may be taken at once. */
  readonly capacity: number;
  /** Tokens come back evenly, all of them in this time. */
  readonly refillSeconds: number;
}

/** A bucket as it was left: a full one lacks nothing. */
export interface BucketLevel {
  readonly missing: number;
  /** In milliseconds, on whichever clock. */
  readonly at: number;
}

/** What became of a try to take a token. */
export interface Taking {
  readonly isTaken: boolean;
  /** Whole tokens that are left. */
  readonly left: number;
  /** Until there is a token again; 0 while there is one. */
  readonly nextMs: number;
  /** Until the bucket is full. */
  readonly fullMs: number;
}

/** Takes a token, if there is one; a try that fails costs none. */
export function take(
  level: BucketLevel | undefined,
  now: number,
  size: BucketSize,
): { readonly level: BucketLevel; readonly taking: Taking } {
  const { capacity } = size;
  const missing = level ? missingAt(level, now, size) : 0;
  const isTaken = missing + 1 <= capacity;
  const after = isTaken ? missing + 1 : missing;
  return { level: { missing: after, at: now }, taking: takingOf(isTaken, after, size) };
}

/** What a bucket lacks by now: a clock that went back refills nothing. */
export function missingAt(
  { missing, at }: BucketLevel,
  now: number,
  { capacity, refillSeconds }: BucketSize,
): number {
  return Math.max(0, missing - (Math.max(0, now - at) / 1000) * (capacity / refillSeconds));
}

/** What somebody is told who has just taken a token, or found none. */
export function takingOf(isTaken: boolean, missing: number, { capacity, refillSeconds }: BucketSize): Taking {
  const msPerToken = (refillSeconds * 1000) / capacity;
  return {
    isTaken,
    left: Math.max(0, Math.floor(capacity - missing)),
    nextMs: Math.max(0, missing + 1 - capacity) * msPerToken,
    fullMs: missing * msPerToken,
  };
}
