import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { deriveKeys, hashOfToken, type Secrets, uuidFromBytes, uuidToBytes } from '#kernel';

const SESSION_ID_BYTES = 16;
const GENERATION_BYTES = 4;
const SEED_BYTES = 32;
const MAC_BYTES = 32;
const SIGNED_BYTES = SESSION_ID_BYTES + GENERATION_BYTES + SEED_BYTES;
const FORM = new RegExp(`^[\\w-]{${((SIGNED_BYTES + MAC_BYTES) / 3) * 4}}$`);

/** Generations are an integer column; the last one has no successor. */
const MAX_GENERATION = 2 ** 31 - 2;

/** A refresh token, taken apart. */
export interface RefreshToken {
  /** What the client holds. */
  readonly text: string;
  readonly sessionId: string;
  /** How many tokens of the session it follows from. */
  readonly generation: number;
  /** Random, and the same in every token that follows. */
  readonly seed: Buffer;
}

/**
 * Makes and reads the refresh tokens of a session: `session id, generation, seed, HMAC-SHA256 of these`, in base64url.
 *
 * The tokens of a session follow from one another, so that the server can answer a repeated refresh with the active
 * token although it stores no token, only the SHA-256 of the active one:
 *
 * - Who reads the database finds a hash of 256 random bits, and makes no token of it.
 * - Who steals an old token cannot make a newer one: the MAC, whose key stays on the server, covers the generation.
 * - Who steals the key cannot make a token either: it takes the seed, which only the client holds, and the stored
 *   hash covers it.
 * - An old token proves by its MAC that it was issued once, however long ago, so its reuse is told from a guess, and
 *   nobody can end another's session by guessing.
 *
 * The active token is good by its hash alone, so sessions survive a change of the key; while the old key is still
 * known, so does the proof by an old token.
 */
export class RefreshTokenCodec {
  private readonly keys: readonly [Buffer, ...Buffer[]];

  /** @param secrets the application's; the keys of the tokens are derived from them for this purpose alone */
  constructor(secrets: Secrets) {
    this.keys = deriveKeys(secrets, 'refresh tokens');
  }

  /** The first token of a new session, or of one that begins anew: no token from before leads to it. */
  first(sessionId: string): RefreshToken {
    return this.make(sessionId, 0, randomBytes(SEED_BYTES));
  }

  /** The token of another generation of the same session. */
  atGeneration({ sessionId, seed }: RefreshToken, generation: number): RefreshToken {
    return this.make(sessionId, generation, seed);
  }

  /** The same token as each of the secrets makes it, of which one has. */
  allAtGeneration({ sessionId, seed }: RefreshToken, generation: number): RefreshToken[] {
    return this.keys.map((key) => this.make(sessionId, generation, seed, key));
  }

  /** Takes a token apart without trusting it; undefined for a text that cannot be one. */
  parse(text: string): RefreshToken | undefined {
    if (!FORM.test(text)) return undefined;
    const bytes = Buffer.from(text, 'base64url');
    const generation = bytes.readUInt32BE(SESSION_ID_BYTES);
    if (generation > MAX_GENERATION) return undefined;
    const seed = bytes.subarray(SESSION_ID_BYTES + GENERATION_BYTES, SIGNED_BYTES);
    return { text, sessionId: uuidFromBytes(bytes.subarray(0, SESSION_ID_BYTES)), generation, seed };
  }

  /** Whether this server issued the token, now or long ago. */
  isAuthentic({ text }: RefreshToken): boolean {
    const bytes = Buffer.from(text, 'base64url');
    const signed = bytes.subarray(0, SIGNED_BYTES);
    return this.keys.some((key) => timingSafeEqual(bytes.subarray(SIGNED_BYTES), mac(signed, key)));
  }

  private make(sessionId: string, generation: number, seed: Buffer, key = this.keys[0]): RefreshToken {
    const signed = Buffer.alloc(SIGNED_BYTES);
    uuidToBytes(sessionId).copy(signed);
    signed.writeUInt32BE(generation, SESSION_ID_BYTES);
    seed.copy(signed, SESSION_ID_BYTES + GENERATION_BYTES);
    const text = Buffer.concat([signed, mac(signed, key)]).toString('base64url');
    return { text, sessionId, generation, seed };
  }
}

function mac(signed: Buffer, key: Buffer): Buffer {
  return createHmac('sha256', key).update(signed).digest();
}

/** What the database keeps of the active token. */
export function hashOf({ text }: RefreshToken): Buffer {
  return hashOfToken(text);
}
