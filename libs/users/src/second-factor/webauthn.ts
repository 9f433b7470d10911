import { Injectable } from '@nestjs/common';
import { uuidToBytes } from '#kernel';
import { Config } from '#platform/config';
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type WebAuthnCredential,
} from '@simplewebauthn/server';
import {
  COSEALG,
  decodeAttestationObject,
  decodeClientDataJSON,
  isoBase64URL,
  isoCBOR,
} from '@simplewebauthn/server/helpers';
import type { User } from '../user.row.js';
import { CHALLENGE_LIFETIME_SECONDS } from './challenges.js';
import type { Assertion, Attestation, CreationOptions, RequestOptions } from './webauthn.schema.js';

/** What an authenticator and a browser need to find a passkey. */
export interface PasskeyHandle {
  readonly credentialId: string;
  readonly transports: string[];
}

/** What is kept of a passkey to know it again. */
export interface PasskeyKey extends PasskeyHandle {
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly signCount: number;
  readonly synced: boolean;
}

const TIMEOUT_MS = CHALLENGE_LIFETIME_SECONDS * 1000;

/**
 * The algorithms of keys that are asked for and taken. Which ones the runtime knows changes with it, such as ML-DSA, which
 * is an experiment of Node's yet: a passkey has to work in every replica, and after every update.
 */
const ALGORITHMS = [COSEALG.EdDSA, COSEALG.ES256, COSEALG.RS256];

/** The ceremonies of WebAuthn, with the shop's domain, name and origins. The person is always verified, by PIN or body. */
@Injectable()
export class WebAuthn {
  private readonly rpId: string;
  private readonly rpName: string;
  private readonly origins: string[];

  constructor({ settings }: Config) {
    this.rpId = settings.WEBAUTHN_RP_ID;
    this.rpName = settings.SHOP_NAME;
    this.origins = settings.WEBAUTHN_ORIGINS;
  }

  /** What a browser needs to make a passkey that can be found without a name. */
  async creationOptions(
    { id, email, name }: Pick<User, 'id' | 'email' | 'name'>,
    challenge: string,
    existing: readonly PasskeyHandle[],
  ): Promise<CreationOptions> {
    const options = await generateRegistrationOptions({
      rpID: this.rpId,
      rpName: this.rpName,
      userID: userHandleOf(id),
      userName: email,
      userDisplayName: name,
      challenge: isoBase64URL.toBuffer(challenge),
      timeout: TIMEOUT_MS,
      excludeCredentials: existing.map(descriptorOf),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      supportedAlgorithmIDs: ALGORITHMS,
    });
    return { ...options };
  }

  /** What a browser needs to sign with one of these passkeys; with any that it has for the shop, where none is named. */
  async requestOptions(challenge: string, allowed: readonly PasskeyHandle[] = []): Promise<RequestOptions> {
    const options = await generateAuthenticationOptions({
      rpID: this.rpId,
      challenge: isoBase64URL.toBuffer(challenge),
      timeout: TIMEOUT_MS,
      allowCredentials: allowed.map(descriptorOf),
      userVerification: 'required',
    });
    return { ...options };
  }

  /**
   * The passkey that a browser has made in answer to the challenge.
   *
   * @throws Error saying what is wrong with it
   */
  async verifyAttestation(attestation: Attestation, challenge: string): Promise<PasskeyKey> {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: withoutStatement(attestation),
      expectedChallenge: challenge,
      expectedOrigin: this.origins,
      expectedRPID: this.rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    });
    if (!verified) throw new Error('The authenticator’s statement cannot be verified.');
    const { credential, credentialDeviceType } = registrationInfo;
    if (credential.id !== attestation.id) throw new Error('The credential has another id inside.');
    return {
      credentialId: credential.id,
      publicKey: credential.publicKey,
      signCount: credential.counter,
      transports: credential.transports ?? [],
      synced: credentialDeviceType === 'multiDevice',
    };
  }

  /**
   * How often the authenticator has signed by now, which is more than before where it counts at all; undefined when
   * the signature is not one of this passkey, over this challenge, for this shop, by a person whom it has verified.
   *
   * @param userId whose the passkey is
   */
  async verifyAssertion(
    assertion: Assertion,
    challenge: string,
    { credentialId, publicKey, signCount }: PasskeyKey,
    userId: string,
  ): Promise<number | undefined> {
    const { userHandle } = assertion.response;
    if (userHandle && userHandle !== isoBase64URL.fromBuffer(userHandleOf(userId))) return undefined;
    const credential: WebAuthnCredential = { id: credentialId, publicKey, counter: signCount };
    try {
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: assertion as AuthenticationResponseJSON,
        expectedChallenge: challenge,
        expectedOrigin: this.origins,
        expectedRPID: this.rpId,
        credential,
        requireUserVerification: true,
      });
      return verified ? authenticationInfo.newCounter : undefined;
    } catch {
      return undefined;
    }
  }
}

/** The challenge that an answer claims to be for; undefined when it cannot be read. */
export function challengeIn({ response }: Assertion | Attestation): string | undefined {
  try {
    const { challenge } = decodeClientDataJSON(response.clientDataJSON) as { challenge?: unknown };
    return typeof challenge === 'string' ? challenge : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The answer without what the authenticator states of its make, which is not asked for. To check that would mean to
 * fetch lists of revoked certificates from wherever a stranger's certificate says.
 */
function withoutStatement(attestation: Attestation): RegistrationResponseJSON {
  const { attestationObject, ...response } = attestation.response;
  const authData = decodeAttestationObject(isoBase64URL.toBuffer(attestationObject)).get('authData');
  const bare = new Map<string, Parameters<typeof isoCBOR.encode>[0]>([
    ['fmt', 'none'],
    ['attStmt', new Map()],
    ['authData', authData],
  ]);
  const encoded = isoBase64URL.fromBuffer(isoCBOR.encode(bare));
  return {
    ...attestation,
    response: { ...response, attestationObject: encoded },
  } as RegistrationResponseJSON;
}

function descriptorOf({ credentialId, transports }: PasskeyHandle): { id: string; transports: string[] } {
  return { id: credentialId, transports };
}

/** Authenticators show nobody the handle of a user, and it must tell nothing about them. */
function userHandleOf(userId: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(uuidToBytes(userId));
}
