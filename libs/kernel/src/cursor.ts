import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { DomainError, defineErrors } from './domain-error.js';
import type { Secrets } from './secrets.js';

export const cursorErrors = defineErrors({
  invalid_cursor: { kind: 'invalid', title: 'The cursor is not one of this list with these filters' },
});

/** The position after which a page begins: the sort keys of the last row of the page before. */
export type CursorPosition = readonly (string | number)[];

const SIGNATURE_BYTES = 12;

/**
 * Makes and reads list cursors. A cursor is opaque to clients, signed, and bound to the list and its filters, so a
 * cursor that was changed or carried to another list is refused with `invalid_cursor` rather than half obeyed.
 */
export class CursorCodec {
  constructor(private readonly secrets: Secrets) {}

  encode(position: CursorPosition, list: string, filters: object): string {
    const payload = Buffer.from(JSON.stringify(position));
    const signature = sign(this.secrets[0], payload, list, filters);
    return Buffer.concat([signature, payload]).toString('base64url');
  }

  decode(cursor: string, list: string, filters: object): CursorPosition {
    const bytes = Buffer.from(cursor, 'base64url');
    // Decoding skips what is not base64: only the one spelling that was given out counts.
    if (bytes.toString('base64url') !== cursor) throw new DomainError(cursorErrors.invalid_cursor);
    const signature = bytes.subarray(0, SIGNATURE_BYTES);
    const payload = bytes.subarray(SIGNATURE_BYTES);
    const isGood = this.secrets.some((secret) => {
      const expected = sign(secret, payload, list, filters);
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    });
    if (!isGood) throw new DomainError(cursorErrors.invalid_cursor);
    return JSON.parse(payload.toString()) as CursorPosition;
  }
}

function sign(secret: string, payload: Buffer, list: string, filters: object): Buffer {
  const canonical = Object.entries(filters)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const binding = createHash('sha256')
    .update(JSON.stringify([list, canonical]))
    .digest();
  return createHmac('sha256', secret).update(binding).update(payload).digest().subarray(0, SIGNATURE_BYTES);
}
