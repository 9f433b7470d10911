import { generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose';
import { Config } from '#platform/config';
import type { Shop } from './shop.js';
import { claimsOf } from './users-fixture.js';

/** Why an `Authorization` header must let nobody in. Each but for its one fault is an administrator's. */
export const BAD_TOKENS = [
  'expired',
  'not valid yet',
  'alg none',
  'signed with another key',
  'signed with the public key as a secret',
  'for another audience',
  'from another issuer',
  'of another type',
  'with an unknown role',
  'without a session',
  'with changed claims',
  'no token at all',
  'of another scheme',
] as const;
export type BadToken = (typeof BAD_TOKENS)[number];

/** The `Authorization` header for each fault. */
export async function badTokens({ api, admin }: Shop): Promise<Record<BadToken, string>> {
  const { SIGNING_KEYS, TOKEN_ISSUER } = api.app.get(Config).settings;
  const [key] = (JSON.parse(SIGNING_KEYS!) as { keys: (JWK & { kid: string; x: string })[] }).keys;
  if (!key) throw new Error('There is no signing key.');
  const now = Math.floor(Date.now() / 1_000);
  const header = { alg: 'EdDSA', kid: key.kid, typ: 'at+jwt' };
  const claims = {
    sub: admin.id,
    role: 'admin',
    // Whose session is open: nothing but the fault can be what keeps it out.
    sid: claimsOf(admin.token)['sid'],
    iss: TOKEN_ISSUER,
    aud: TOKEN_ISSUER,
    iat: now,
    nbf: now,
    exp: now + 600,
  };
  const ours = await importJWK(key, 'EdDSA');
  const { privateKey: theirs } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  const signed = (changes: JWTPayload, changedHeader = {}, by = ours) =>
    new SignJWT({ ...claims, ...changes }).setProtectedHeader({ ...header, ...changedHeader }).sign(by);
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

  const [, , signature] = (await signed({ role: 'customer' })).split('.');
  const tokens: Record<Exclude<BadToken, 'of another scheme'>, string> = {
    expired: await signed({ iat: now - 900, nbf: now - 900, exp: now - 60 }),
    'not valid yet': await signed({ nbf: now + 300 }),
    'alg none': `${encoded({ ...header, alg: 'none' })}.${encoded(claims)}.`,
    'signed with another key': await signed({}, {}, theirs),
    'signed with the public key as a secret': await signed(
      {},
      { alg: 'HS256' },
      Buffer.from(key.x, 'base64url'),
    ),
    'for another audience': await signed({ aud: 'another-shop' }),
    'from another issuer': await signed({ iss: 'another-shop' }),
    'of another type': await signed({}, { typ: 'JWT' }),
    'with an unknown role': await signed({ role: 'root' }),
    'without a session': await signed({ sid: undefined }),
    'with changed claims': `${encoded(header)}.${encoded(claims)}.${signature}`,
    'no token at all': 'open-sesame',
  };
  const bearer = Object.entries(tokens).map(([fault, token]) => [fault, `Bearer ${token}`]);
  return {
    ...(Object.fromEntries(bearer) as Record<keyof typeof tokens, string>),
    'of another scheme': `Basic ${Buffer.from(`admin:${await signed({})}`).toString('base64')}`,
  };
}
