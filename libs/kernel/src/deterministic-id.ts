import { createHash } from 'node:crypto';
import { uuidFromBytes } from './id.js';

/**
 * A UUIDv7 (RFC 9562) that anybody can derive again: the timestamp is the one given, and the 74 bits that are
 * random in an ordinary UUIDv7 come from SHA-256 of namespace and name. The same arguments give the same id in
 * every run, which is what makes a second replay change nothing.
 *
 * @param namespace separates equal names of different origins; must not contain a NUL character
 * @param name what the id stands for, unique inside the namespace
 * @param timestampMs milliseconds since 1970, at least 0 and below 2^48
 * @throws RangeError when the timestamp does not fit the 48 bits that a UUIDv7 has for it
 */
export function deterministicUuidV7(namespace: string, name: string, timestampMs: number): string {
  if (!Number.isSafeInteger(timestampMs) || timestampMs < 0 || timestampMs >= 2 ** 48) {
    throw new RangeError(`A UUIDv7 cannot carry the timestamp ${timestampMs}.`);
  }
  // The NUL between the two keeps ("a", "bc") and ("ab", "c") apart.
  const digest = createHash('sha256').update(`${namespace}\0${name}`).digest();
  const bytes = Buffer.alloc(16);
  digest.copy(bytes, 6, 0, 10);
  bytes.writeUIntBE(timestampMs, 0, 6);
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  return uuidFromBytes(bytes);
}
