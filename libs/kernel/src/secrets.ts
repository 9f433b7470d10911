import { createHash, hkdfSync } from 'node:crypto';

/** Secrets of which the first signs, and what any of them has signed is good: while one follows another. */
export type Secrets = readonly [string, ...string[]];

const KEY_BYTES = 32;

/**
 * The keys that follow from secrets, for one purpose alone (HKDF-SHA256): who learns one of them learns neither the
 * secret nor the key for anything else.
 *
 * @param purpose never changes: what was signed or sealed for it would be lost
 */
export function deriveKeys([first, ...others]: Secrets, purpose: string): readonly [Buffer, ...Buffer[]] {
  const derive = (secret: string) =>
    Buffer.from(hkdfSync('sha256', secret, '', `steelyard ${purpose}`, KEY_BYTES));
  return [derive(first), ...others.map(derive)];
}

/**
 * What is stored of a random token, in place of the token (SHA-256). It is fast, which is no help to somebody who would
 * have to guess at least 80 random bits; what people choose needs a slow hash.
 */
export function hashOfToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
