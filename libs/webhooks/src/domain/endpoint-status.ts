export const ENDPOINT_STATUSES = ['active', 'disabled'] as const;
export type EndpointStatus = (typeof ENDPOINT_STATUSES)[number];

/**
 * Why nothing is sent any more: somebody asked for that, the endpoint said that it is gone (410), or nothing has
 * reached it for days.
 */
export const DISABLED_REASONS = ['requested', 'gone', 'failing'] as const;
export type DisabledReason = (typeof DISABLED_REASONS)[number];

/** How long an endpoint may fail before a webhook that is given up disables it. */
const MAX_FAILING_MS = 5 * 86_400_000;

/** Whether an endpoint at which nothing has succeeded since then is to be left alone. */
export function isLost(failingSince: Date, now: Date): boolean {
  return now.getTime() - failingSince.getTime() >= MAX_FAILING_MS;
}
