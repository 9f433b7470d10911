import { idSchema, text, timeSchema, type ProblemMembers } from '#platform/http';
import { z } from 'zod';
import { tokensSchema } from '../auth.schema.js';
import { claimedPasswordSchema } from '../users.schema.js';
import type { usersErrors } from '../users.errors.js';
import { assertionSchema, attestationSchema, requestOptionsSchema } from './webauthn.schema.js';

const EXAMPLE_CODE = 'JBSW-Y3DP-EHPK-3PXP';
const EXAMPLE_CHALLENGE = 'vXh3bq1z0yS6m2Wc8RkT4dJp7fLeGn9aQoUiYtPrM5E';
const EXAMPLE_PASSKEY = {
  id: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10',
  name: 'Phone',
  synced: true,
  createdAt: '2026-11-20T12:00:00.000Z',
  lastUsedAt: null,
};

const totpCodeSchema = z
  .string()
  .max(32)
  .overwrite((value) => value.replaceAll(/\s/g, ''))
  .regex(/^\d{6}$/, 'Must be six digits')
  .meta({ description: 'The code that the authenticator app shows; each is good once.', example: '492039' });

const proofFields = {
  totp: totpCodeSchema.optional(),
  recoveryCode: text(64)
    .optional()
    .meta({ description: 'One of the recovery codes; each is good once.', example: EXAMPLE_CODE }),
  passkey: assertionSchema.optional(),
};

interface Proofs {
  readonly totp?: unknown;
  readonly recoveryCode?: unknown;
  readonly passkey?: unknown;
}

/** Has a body hold one proof of a second factor, and not two. */
const oneProof = <T extends z.ZodType<Proofs>>(schema: T): T =>
  schema.refine(
    ({ totp, recoveryCode, passkey }) =>
      [totp, recoveryCode, passkey].filter((proof) => proof !== undefined).length === 1,
    { message: 'Must hold one of totp, recoveryCode and passkey.', params: { code: 'one_proof_required' } },
  );

export const stepUpSchema = oneProof(z.strictObject(proofFields)).meta({
  id: 'StepUp',
  description: 'The proof of a second factor: one of the fields.',
  minProperties: 1,
  maxProperties: 1,
  example: { totp: '492039' },
});

export const secondFactorLoginSchema = oneProof(
  z.strictObject({
    challengeToken: z
      .string()
      .min(1)
      .max(512)
      .meta({ description: 'From the problem `second_factor_required`.' }),
    ...proofFields,
  }),
).meta({
  id: 'SecondFactorLogin',
  description:
    'The token that the log-in answered with, and the proof of a second factor: one of the other fields.',
  example: { challengeToken: EXAMPLE_CHALLENGE, totp: '492039' },
});

/** To be sure that it is the owner who changes what opens their account, not somebody who has found their device. */
export const factorProofSchema = oneProof(
  z.strictObject({ password: claimedPasswordSchema, ...proofFields }),
).meta({
  id: 'SecondFactorConfirmation',
  description: 'The password, and the proof of a second factor: one of the other fields.',
  example: { password: 'correct horse battery', totp: '492039' },
});

export const enrolmentSchema = z.strictObject({ password: claimedPasswordSchema }).meta({
  id: 'SecondFactorEnrolment',
  description: 'The password, to be sure that it is you.',
  example: { password: 'correct horse battery' },
});

export const totpCodeBodySchema = z.strictObject({ totp: totpCodeSchema }).meta({
  id: 'TotpCode',
  description: 'The first code that the app shows.',
  example: { totp: '492039' },
});

export const totpSecretSchema = z
  .object({
    secret: z
      .string()
      .meta({ description: 'Base32, for whoever types it into the app.', format: 'password' }),
    uri: z.string().meta({ description: '`otpauth://totp/…`, for a QR code that the app reads.' }),
  })
  .meta({
    id: 'TotpSecret',
    description: 'What the authenticator app has to be told. Shown this once.',
    example: {
      secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
      uri: 'otpauth://totp/Steelyard:ada%40example.com?issuer=Steelyard&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1&digits=6&period=30',
    },
  });

const codes = z.array(z.string()).meta({
  description: 'Ten codes, each good once. Shown this once: to be printed, or kept where passwords are.',
});

export const recoveryCodesSchema = z.object({ recoveryCodes: codes }).meta({
  id: 'RecoveryCodes',
  description: 'New recovery codes, in place of all before.',
  example: { recoveryCodes: [EXAMPLE_CODE] },
});

const firstCodes = codes.nullable().meta({
  description:
    'With the first second factor ten codes, each good once and shown this once; null with each further one.',
});

const raisedTokens = tokensSchema.nullable().meta({
  description:
    'The tokens of this session from now on; null where it is that of an outside identity provider.',
});
const EXAMPLE_TOKENS = tokensSchema.meta()?.['example'];

export const totpConfirmedSchema = z.object({ recoveryCodes: firstCodes, tokens: raisedTokens }).meta({
  id: 'TotpConfirmed',
  description: 'The authenticator app is a second factor from now on.',
  example: { recoveryCodes: [EXAMPLE_CODE], tokens: EXAMPLE_TOKENS },
});

const passkeyNameSchema = text(100).meta({ description: 'Which device or password manager has it.' });

export const newPasskeySchema = z.strictObject({ name: passkeyNameSchema, passkey: attestationSchema }).meta({
  id: 'NewPasskey',
  description: 'What the browser has made of the options, and how to call it.',
  example: { name: EXAMPLE_PASSKEY.name, passkey: attestationSchema.meta()?.['example'] },
});

export const passkeyChangeSchema = z.strictObject({ name: passkeyNameSchema }).meta({
  id: 'PasskeyChange',
  description: 'Another name.',
  example: { name: 'Old phone' },
});

export const passkeySchema = z
  .object({
    id: idSchema,
    name: z.string(),
    synced: z.boolean().meta({ description: 'Whether its maker keeps it for several devices.' }),
    createdAt: timeSchema,
    lastUsedAt: timeSchema.nullable().meta({ description: 'null: never.' }),
  })
  .meta({ id: 'Passkey', description: 'A passkey.', example: EXAMPLE_PASSKEY });

export const addedPasskeySchema = z
  .object({ passkey: passkeySchema, recoveryCodes: firstCodes, tokens: raisedTokens })
  .meta({
    id: 'AddedPasskey',
    description: 'The new passkey.',
    example: { passkey: EXAMPLE_PASSKEY, recoveryCodes: null, tokens: EXAMPLE_TOKENS },
  });

export const secondFactorStatusSchema = z
  .object({
    totp: z
      .object({ enrolledAt: timeSchema })
      .nullable()
      .meta({ description: 'The authenticator app; null: none.' }),
    passkeys: z.array(passkeySchema).meta({ description: 'Oldest first.' }),
    recoveryCodesLeft: z.int(),
  })
  .meta({
    id: 'SecondFactorStatus',
    description: 'What a user has as a second factor.',
    example: {
      totp: { enrolledAt: '2026-11-20T12:00:00.000Z' },
      passkeys: [EXAMPLE_PASSKEY],
      recoveryCodesLeft: 10,
    },
  });

export const passkeyLoginSchema = z.strictObject({ passkey: assertionSchema }).meta({
  id: 'PasskeyLogin',
  description: 'What the browser has signed.',
  example: { passkey: assertionSchema.meta()?.['example'] },
});

/** What a user can prove a second factor with: names of fields. */
export type SecondFactorMethod = keyof typeof proofFields;
export type SecondFactorProof = z.output<typeof stepUpSchema>;
export type SecondFactorLogin = z.output<typeof secondFactorLoginSchema>;
export type FactorProof = z.output<typeof factorProofSchema>;
export type Enrolment = z.output<typeof enrolmentSchema>;
export type TotpCodeBody = z.output<typeof totpCodeBodySchema>;
export type TotpSecretView = z.output<typeof totpSecretSchema>;
export type RecoveryCodesView = z.output<typeof recoveryCodesSchema>;
export type TotpConfirmed = z.output<typeof totpConfirmedSchema>;
export type NewPasskey = z.output<typeof newPasskeySchema>;
export type PasskeyChange = z.output<typeof passkeyChangeSchema>;
export type PasskeyView = z.output<typeof passkeySchema>;
export type AddedPasskey = z.output<typeof addedPasskeySchema>;
export type SecondFactorStatusView = z.output<typeof secondFactorStatusSchema>;
export type PasskeyLogin = z.output<typeof passkeyLoginSchema>;

/** What the problem of a log-in that is not finished holds. */
export const secondFactorProblems = {
  second_factor_required: {
    challengeToken: z
      .string()
      .meta({ description: 'For `POST /auth/second-factor`.', example: EXAMPLE_CHALLENGE }),
    expiresIn: z.int().meta({ description: 'Seconds for which the token is good.', example: 300 }),
    methods: z.array(z.enum(['totp', 'passkey', 'recoveryCode'] satisfies SecondFactorMethod[])).meta({
      description: 'What the account has: one of these goes with the token.',
      example: ['totp', 'recoveryCode'],
    }),
    passkeyOptions: requestOptionsSchema
      .optional()
      .meta({ description: 'For `navigator.credentials.get()`, where the account has a passkey.' }),
  },
} satisfies ProblemMembers<keyof typeof usersErrors>;
