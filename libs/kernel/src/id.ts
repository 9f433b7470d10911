import { randomUUIDv7 } from 'node:crypto';

/** A new UUIDv7: unique, and ordered by time of creation to the millisecond. */
export function newId(): string {
  return randomUUIDv7();
}

/** The 16 bytes of a UUID. */
export function uuidToBytes(id: string): Buffer<ArrayBuffer> {
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}

/** The UUID of 16 bytes, in lower case. */
export function uuidFromBytes(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
