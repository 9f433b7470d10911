import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Secrets } from '#kernel';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals what has to be read again, such as the secret of an authenticator app, so that it is stored as `nonce, tag,
 * AES-256-GCM ciphertext`. A box belongs to somebody: in another's row it does not open.
 */
export class SecretBox {
  private readonly sealingKey: Buffer;
  private readonly keys: readonly Buffer[];

  /**
   * @param secrets the application's: the first one seals, each of them opens
   * @param purpose what is sealed: the keys are derived for it alone
   */
  constructor(secrets: Secrets, purpose: string) {
    this.sealingKey = keyFrom(secrets[0], purpose);
    this.keys = secrets.map((secret) => keyFrom(secret, purpose));
  }

  seal(content: Uint8Array, ownerId: string): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.sealingKey, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(ownerId));
    const sealed = Buffer.concat([cipher.update(content), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
  }

  /** What is in the box; undefined when it was sealed with another key or for somebody else, or was changed. */
  open(box: Buffer, ownerId: string): Buffer | undefined {
    for (const key of this.keys) {
      const content = openWith(key, box, ownerId);
      if (content) return content;
    }
    return undefined;
  }
}

function openWith(key: Buffer, box: Buffer, ownerId: string): Buffer | undefined {
  const decipher = createDecipheriv(CIPHER, key, box.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(ownerId));
  try {
    decipher.setAuthTag(box.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    return Buffer.concat([decipher.update(box.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

function keyFrom(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `steelyard ${purpose}`, 32));
}
