import { z } from 'zod';

/** Binary data as WebAuthn's JSON forms write it. */
const bytes = (maxLength: number) => z.base64url().min(1).max(maxLength).meta({ format: 'base64url' });

const CREDENTIAL_ID_LENGTH = 1_368;
const CLIENT_DATA_LENGTH = 8_192;

/** What both kinds of answers begin with. Browsers add fields with each level of WebAuthn; those are ignored. */
const credentialFields = {
  id: bytes(CREDENTIAL_ID_LENGTH),
  rawId: bytes(CREDENTIAL_ID_LENGTH),
  type: z.literal('public-key'),
  authenticatorAttachment: z.enum(['platform', 'cross-platform']).nullish(),
  clientExtensionResults: z.record(z.string(), z.unknown()).default({}),
};

/** What WebAuthn knows, in all its levels. Browsers may say more, which helps nobody to find the passkey. */
const TRANSPORTS = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'];
const transportsSchema = z
  .array(z.string().max(32))
  .max(16)
  .overwrite((names) => TRANSPORTS.filter((name) => names.includes(name)));

export const attestationSchema = z
  .object({
    ...credentialFields,
    response: z.object({
      clientDataJSON: bytes(CLIENT_DATA_LENGTH),
      attestationObject: bytes(65_536),
      transports: transportsSchema.default([]),
    }),
  })
  .meta({
    id: 'PasskeyAttestation',
    description:
      'What `navigator.credentials.create()` gives, by its `toJSON()` (`RegistrationResponseJSON` of WebAuthn).',
    example: {
      id: 'ZoIKP1JQvKdrYj1bTUPJ2eTUsbLeFkv-X5xJQNr4k6s',
      rawId: 'ZoIKP1JQvKdrYj1bTUPJ2eTUsbLeFkv-X5xJQNr4k6s',
      type: 'public-key',
      clientExtensionResults: {},
      response: {
        clientDataJSON: 'eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0',
        attestationObject: 'o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVik',
        transports: ['internal'],
      },
    },
  });

export const assertionSchema = z
  .object({
    ...credentialFields,
    response: z.object({
      clientDataJSON: bytes(CLIENT_DATA_LENGTH),
      authenticatorData: bytes(8_192),
      signature: bytes(8_192),
      userHandle: bytes(128).nullish(),
    }),
  })
  .meta({
    id: 'PasskeyAssertion',
    description:
      'What `navigator.credentials.get()` gives, by its `toJSON()` (`AuthenticationResponseJSON` of WebAuthn).',
    example: {
      id: 'ZoIKP1JQvKdrYj1bTUPJ2eTUsbLeFkv-X5xJQNr4k6s',
      rawId: 'ZoIKP1JQvKdrYj1bTUPJ2eTUsbLeFkv-X5xJQNr4k6s',
      type: 'public-key',
      clientExtensionResults: {},
      response: {
        clientDataJSON: 'eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0',
        authenticatorData: 'SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ',
        signature: 'MEUCIQDNrG-W1pdhRQ3zPp1dV5i9b0qIVh8yGkmcyc8nJgkU6AIgV8e2Sx0QbSmE7p9Qq6b1rOQ',
        userHandle: 'AZdvXo08elGcfj8fOyqdEA',
      },
    },
  });

const options = z.looseObject({ challenge: z.string() });

/** The library makes these, as WebAuthn has them; there is nothing to add to its words. */
export const creationOptionsSchema = options.meta({
  id: 'PasskeyCreationOptions',
  description:
    'For `PublicKeyCredential.parseCreationOptionsFromJSON()` (`PublicKeyCredentialCreationOptionsJSON` of WebAuthn).',
  example: {
    challenge: 'vXh3bq1z0yS6m2Wc8RkT4dJp7fLeGn9aQoUiYtPrM5E',
    rp: { id: 'localhost', name: 'Steelyard' },
  },
});

export const requestOptionsSchema = options.meta({
  id: 'PasskeyRequestOptions',
  description:
    'For `PublicKeyCredential.parseRequestOptionsFromJSON()` (`PublicKeyCredentialRequestOptionsJSON` of WebAuthn).',
  example: {
    challenge: 'vXh3bq1z0yS6m2Wc8RkT4dJp7fLeGn9aQoUiYtPrM5E',
    rpId: 'localhost',
    userVerification: 'required',
  },
});

export type Attestation = z.output<typeof attestationSchema>;
export type Assertion = z.output<typeof assertionSchema>;
export type CreationOptions = z.output<typeof creationOptionsSchema>;
export type RequestOptions = z.output<typeof requestOptionsSchema>;
