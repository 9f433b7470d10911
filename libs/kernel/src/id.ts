import { randomUUIDv7 } from 'node:crypto';

/** A new UUIDv7: unique, and ordered by time of creation to the millisecond. */
export function newId(): string {
  return randomUUIDv7();
}
