import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';

/** A fresh Ed25519 key as a private JSON Web Key Set, in the form of the SIGNING_KEYS setting. */
export async function generateSigningKeys(): Promise<string> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const key = await exportJWK(privateKey);
  return JSON.stringify({
    keys: [{ ...key, kid: randomBytes(8).toString('hex'), alg: 'EdDSA', use: 'sig' }],
  });
}

/** A fresh value for the APP_SECRET setting. */
export function generateAppSecret(): string {
  return randomBytes(32).toString('base64url');
}
