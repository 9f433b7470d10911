const REDACTED = '[redacted]';
const MAX_TEXT_LENGTH = 200;
/** As many as any request may name, so that none of what was done is left out. */
const MAX_ITEMS = 1_000;
const MAX_DEPTH = 6;

/**
 * The fields whose values tell what was done, and nothing about a person and no secret. It is a list of what may be
 * kept: a field that somebody adds is left out until somebody decides that it may stay, for it cannot be erased.
 */
const KEPT_FIELDS: ReadonlySet<string> = new Set([
  'active',
  'after',
  'all',
  'amount',
  'before',
  'capture',
  'carrier',
  'consumer',
  'currency',
  'eventId',
  'eventIds',
  'eventTypes',
  'expectedOnHand',
  'expiresAt',
  'fromCustomerId',
  'gatewayId',
  'id',
  'kind',
  'lineId',
  'onHand',
  'orderIds',
  'outcome',
  'partial',
  'productId',
  'quantity',
  'restock',
  'role',
  'scopes',
  'sku',
  'status',
  'toCustomerId',
  'type',
]);

/** The request as the log keeps it: which fields it had, and the values of those that may be kept. */
export function redact(value: unknown, isKept = false, depth = 0): unknown {
  if (depth > MAX_DEPTH) return REDACTED;
  if (Array.isArray(value)) {
    const kept = value.slice(0, MAX_ITEMS).map((item) => redact(item, isKept, depth + 1));
    return value.length > MAX_ITEMS ? [...kept, `and ${value.length - MAX_ITEMS} more`] : kept;
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).slice(0, MAX_ITEMS);
    return Object.fromEntries(
      entries.map(([name, member]) => [
        storable(name),
        name === 'url' ? originOf(member) : redact(member, KEPT_FIELDS.has(name), depth + 1),
      ]),
    );
  }
  if (!isKept) return value === null || value === undefined ? null : REDACTED;
  if (typeof value === 'string') return storable(value);
  return typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

/** Where a URL leads. The rest of it may be a secret, as in the hooks of many chats. */
function originOf(url: unknown): string {
  return typeof url === 'string' && URL.canParse(url) ? storable(new URL(url).origin) : REDACTED;
}

/** What PostgreSQL takes as text, and not too much of it. */
export function storable(text: string, maxLength = MAX_TEXT_LENGTH): string {
  return text.slice(0, maxLength).replaceAll('\u0000', '').toWellFormed();
}
