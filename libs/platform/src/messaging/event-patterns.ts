import { registeredEvents } from './event.js';

/**
 * All patterns that a type of event matches: `*`, what it begins with up to a dot and `*`, and the type itself.
 * `steelyard.order.placed.v1` matches `steelyard.order.*`.
 */
export function patternsOf(type: string): string[] {
  const words = type.split('.');
  const beginnings = words.slice(1).map((_, index) => `${words.slice(0, index + 1).join('.')}.*`);
  return ['*', ...beginnings, type];
}

export function matchesAny(type: string, patterns: readonly string[]): boolean {
  return patternsOf(type).some((pattern) => patterns.includes(pattern));
}

/** Whether a loaded module declares events that match. */
export function isKnownPattern(pattern: string): boolean {
  return registeredEvents().some(({ type }) => patternsOf(type).includes(pattern));
}

/** The pattern for `LIKE`, which knows `_` and `%` besides. */
export function likePattern(pattern: string): string {
  return pattern.replace(/[\\%_]/g, '\\$&').replace(/\*$/, '%');
}
