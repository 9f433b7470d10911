import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isoCBOR } from '@simplewebauthn/server/helpers';

/** The flags of authenticator data (WebAuthn, section 6.1). */
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const BACKUP_ELIGIBLE = 0x08;
const BACKED_UP = 0x10;
const ATTESTED = 0x40;

/** What can be wrong with an answer; whatever is absent is right. */
export interface Faults {
  readonly origin?: string;
  readonly rpId?: string;
  readonly challenge?: string;
  readonly type?: string;
  readonly userVerified?: boolean;
  readonly userPresent?: boolean;
  readonly signCount?: number;
  readonly userHandle?: string;
  /** The signature is over something else. */
  readonly forged?: boolean;
  /** The authenticator says who made it, with this statement. */
  readonly statement?: { readonly format: string; readonly fields: Map<string, Uint8Array<ArrayBuffer>> };
}

interface Options {
  readonly challenge: string;
  readonly user?: { readonly id: string };
}

/** An authenticator with one passkey (ES256), and the browser that it is plugged into: what a front-end would send. */
export class SoftwareAuthenticator {
  readonly credentialId = randomBytes(32).toString('base64url');
  private readonly keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  private userHandle: string | undefined;
  private signCount = 0;

  /**
   * @param counts whether it counts its signatures, as a key of plastic does, or keeps them at 0, as those in a cloud do
   */
  constructor(
    private readonly counts = true,
    private readonly origin = 'http://localhost:3000',
    private readonly rpId = 'localhost',
  ) {}

  /** `navigator.credentials.create()`: makes the passkey. */
  create({ challenge, user }: Options, faults: Faults = {}) {
    this.userHandle = user!.id;
    const id = Buffer.from(this.credentialId, 'base64url');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(id.length);
    const aaguid = Buffer.alloc(16);
    const authData = Buffer.concat([this.header(faults, ATTESTED), aaguid, length, id, this.publicKey()]);
    const { format = 'none', fields = new Map() } = faults.statement ?? {};
    const attestation = new Map<string, Parameters<typeof isoCBOR.encode>[0]>([
      ['fmt', format],
      ['attStmt', fields],
      ['authData', bytes(authData)],
    ]);
    return this.credential({
      clientDataJSON: this.clientData('webauthn.create', challenge, faults).toString('base64url'),
      attestationObject: Buffer.from(isoCBOR.encode(attestation)).toString('base64url'),
      transports: ['internal'],
    });
  }

  /** `navigator.credentials.get()`: signs the challenge. */
  get({ challenge }: Options, faults: Faults = {}) {
    if (this.counts) this.signCount += 1;
    const authData = this.header(faults);
    const clientData = this.clientData('webauthn.get', challenge, faults);
    const signed = Buffer.concat([authData, sha256(faults.forged ? 'something else' : clientData)]);
    return this.credential({
      clientDataJSON: clientData.toString('base64url'),
      authenticatorData: authData.toString('base64url'),
      signature: sign('sha256', signed, this.keys.privateKey).toString('base64url'),
      userHandle: faults.userHandle ?? this.userHandle,
    });
  }

  private credential<T extends object>(response: T) {
    const { credentialId: id } = this;
    return { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response };
  }

  private clientData(type: string, challenge: string, faults: Faults): Buffer {
    const { origin = this.origin } = faults;
    const data = { type, challenge, origin, crossOrigin: false };
    return Buffer.from(JSON.stringify({ ...data, ...pick(faults, 'type'), ...pick(faults, 'challenge') }));
  }

  private header(
    { rpId = this.rpId, userVerified = true, userPresent = true, signCount = this.signCount }: Faults,
    flags = 0,
  ): Buffer {
    const state = Buffer.alloc(5);
    const synced = this.counts ? 0 : BACKUP_ELIGIBLE | BACKED_UP;
    state[0] = flags | synced | (userPresent ? USER_PRESENT : 0) | (userVerified ? USER_VERIFIED : 0);
    state.writeUInt32BE(signCount, 1);
    return Buffer.concat([sha256(rpId), state]);
  }

  /** COSE_Key of the public key (RFC 9053). */
  private publicKey(): Uint8Array {
    const { x, y } = this.keys.publicKey.export({ format: 'jwk' });
    const [kty, alg, crv, xCoordinate, yCoordinate] = [1, 3, -1, -2, -3] as const;
    return isoCBOR.encode(
      new Map<number, number | Uint8Array<ArrayBuffer>>([
        [kty, 2],
        [alg, -7],
        [crv, 1],
        [xCoordinate, bytes(Buffer.from(x!, 'base64url'))],
        [yCoordinate, bytes(Buffer.from(y!, 'base64url'))],
      ]),
    );
  }
}

function pick<K extends keyof Faults>(faults: Faults, name: K): Pick<Faults, K> | object {
  return faults[name] === undefined ? {} : { [name]: faults[name] };
}

function bytes(buffer: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer);
}

function sha256(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}
