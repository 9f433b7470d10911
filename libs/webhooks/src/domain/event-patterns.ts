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
