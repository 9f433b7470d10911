import { emailSchema } from '#platform/http';
import { z } from 'zod';
import { claimedPasswordSchema, userSchema } from './users.schema.js';

const EXAMPLE_REFRESH_TOKEN =
  'AZdvXo08elGcfj8fOyqdEAAAAACF0yS7m1xHq2vE9n4TzKbXo3rW8uYpLdQfGhJkMnPsRw6c1eA5iVtZ7OxBaUyC4gNmEl0jFqSvPwT2kXrHbDi3';

const refreshTokenSchema = z.string().max(512).meta({
  description:
    'Keep it secret. Each refresh replaces it, and so does what raises the session to two factors.',
  example: EXAMPLE_REFRESH_TOKEN,
});

export const loginSchema = z.strictObject({ email: emailSchema, password: claimedPasswordSchema }).meta({
  id: 'Login',
  description: 'E-mail address and password.',
  example: { email: 'customer@example.com', password: 'steelyard-demo' },
});

export const refreshTokenBodySchema = z.strictObject({ refreshToken: refreshTokenSchema }).meta({
  id: 'RefreshTokenBody',
  description: 'The refresh token of the session.',
  example: { refreshToken: EXAMPLE_REFRESH_TOKEN },
});

export const tokensSchema = z
  .object({
    accessToken: z.string().meta({ description: 'Goes into `Authorization: Bearer …`.' }),
    tokenType: z.literal('Bearer'),
    expiresIn: z.int().meta({ description: 'Life of the access token, in seconds.' }),
    refreshToken: refreshTokenSchema,
    user: userSchema,
  })
  .meta({
    id: 'Tokens',
    description: 'The tokens of a session and whose it is.',
    example: {
      accessToken: 'eyJhbGciOiJFZERTQSIsImtpZCI6IjEifQ.eyJzdWIiOiIwMTk3NmY1ZSJ9.c2lnbmF0dXJl',
      tokenType: 'Bearer',
      expiresIn: 900,
      refreshToken: EXAMPLE_REFRESH_TOKEN,
      user: userSchema.meta()?.['example'],
    },
  });

const publicKeySchema = z.object({
  kty: z.string(),
  crv: z.string(),
  x: z.string(),
  kid: z.string(),
  alg: z.string(),
  use: z.string(),
});

export const publicKeysSchema = z.object({ keys: z.array(publicKeySchema) }).meta({
  id: 'PublicKeys',
  description: 'A JSON Web Key Set (RFC 7517).',
  example: {
    keys: [
      {
        kty: 'OKP',
        crv: 'Ed25519',
        x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
        kid: '8f14e45fceea167a',
        alg: 'EdDSA',
        use: 'sig',
      },
    ],
  },
});

export type Login = z.infer<typeof loginSchema>;
export type RefreshTokenBody = z.infer<typeof refreshTokenBodySchema>;
export type Tokens = z.infer<typeof tokensSchema>;
