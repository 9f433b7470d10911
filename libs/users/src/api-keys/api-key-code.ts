import { randomBytes } from 'node:crypto';
import { uuidFromBytes, uuidToBytes } from '#kernel';

/** Tells people, and scanners for secrets that somebody committed, what it is. */
const PREFIX = 'sty_';
const SECRET_BYTES = 32;
const FORM = /^sty_([\w-]{22})_[\w-]{43}$/;

/** What a machine sends: `sty_`, the id of the key, and 256 random bits, both in base64url. */
export function newApiKeyCode(id: string): string {
  const name = uuidToBytes(id).toString('base64url');
  return `${PREFIX}${name}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
}

/** Whether a bearer token means to be an API key. */
export function looksLikeApiKey(token: string): boolean {
  return token.startsWith(PREFIX);
}

/** The id in a key, which is not proven yet; undefined for what cannot be a key. */
export function apiKeyIdIn(code: string): string | undefined {
  const [, name] = FORM.exec(code) ?? [];
  return name === undefined ? undefined : uuidFromBytes(Buffer.from(name, 'base64url'));
}
