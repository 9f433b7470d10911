const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** The pause before each try; over three days in all. */
const PAUSES_MS: readonly number[] = [
  0,
  5 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
];

/** Each pause is longer by up to this part, so that what failed together is not tried together. */
const JITTER = 0.1;

/** A partner may ask for a pause of its own, but not for ever. */
const MAX_PARTNER_PAUSE_MS = HOUR_MS;

const SUCCESSFUL = { from: 200, to: 299 };
const GONE = 410;
const ASKS_FOR_PAUSE = [429, 503];

/** What came back from one try. */
export interface Answer {
  /** null: there was no answer. */
  readonly statusCode: number | null;
  readonly retryAfter?: string | undefined;
}

/** What follows from it: it is done, it is tried again after a pause, or it is given up. */
export type Verdict =
  | { readonly status: 'succeeded' }
  | { readonly status: 'retrying'; readonly pauseMs: number }
  | { readonly status: 'failed'; readonly isGone: boolean };

export function isSuccess({ statusCode }: Answer): boolean {
  return statusCode !== null && statusCode >= SUCCESSFUL.from && statusCode <= SUCCESSFUL.to;
}

/**
 * What follows from a try.
 *
 * @param tries how many there have been, this one included
 * @param random from 0 to 1
 */
export function judge(answer: Answer, tries: number, now: Date, random: number): Verdict {
  if (isSuccess(answer)) return { status: 'succeeded' };
  if (answer.statusCode === GONE) return { status: 'failed', isGone: true };
  const pauseMs = PAUSES_MS[tries];
  if (pauseMs === undefined) return { status: 'failed', isGone: false };
  const longer = Math.round(pauseMs * (1 + JITTER * random));
  return { status: 'retrying', pauseMs: Math.max(longer, partnerPauseMs(answer, now)) };
}

/** How long the partner wants to be left alone, in milliseconds: `Retry-After` of a 429 or 503, an hour at most. */
export function partnerPauseMs({ statusCode, retryAfter }: Answer, now: Date): number {
  if (retryAfter === undefined || !ASKS_FOR_PAUSE.includes(statusCode ?? 0)) return 0;
  const seconds = /^\d+$/.test(retryAfter.trim()) ? Number(retryAfter) : undefined;
  const askedMs = seconds === undefined ? Date.parse(retryAfter) - now.getTime() : seconds * SECOND_MS;
  return Number.isNaN(askedMs) ? 0 : Math.min(Math.max(askedMs, 0), MAX_PARTNER_PAUSE_MS);
}
