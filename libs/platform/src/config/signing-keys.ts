import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';

const signingKeySchema = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  kid: z.string().min(1),
  x: z.base64url().length(43),
  d: z.base64url().length(43),
});

const signingKeySetSchema = z.object({ keys: z.array(signingKeySchema).min(1) });

/** A private Ed25519 key as a JSON Web Key. */
export type SigningKey = z.output<typeof signingKeySchema>;

/**
 * The keys of a JSON Web Key Set in which each can sign, its two halves belong together, and no `kid` stands for two
 * of them; undefined for any other text.
 */
export function parseSigningKeys(text: string): readonly SigningKey[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const keys = signingKeySetSchema.safeParse(value).data?.keys;
  if (!keys?.every(canSign)) return undefined;
  return new Set(keys.map(({ kid }) => kid)).size === keys.length ? keys : undefined;
}

/** Not one with the public half of another: that would be published, and refuse all that the private half signs. */
function canSign(key: SigningKey): boolean {
  try {
    createPrivateKey({ key, format: 'jwk' });
    return true;
  } catch {
    return false;
  }
}
