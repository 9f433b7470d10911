import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { deriveKeys, type Secrets } from '#kernel';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals what must be read again and must not be readable in a copy of the database: as `nonce, tag, AES-256-GCM
 * ciphertext`. A box belongs to somebody: in another's row it does not open.
 */
export class SecretBox {
  /** The first one seals, each of them opens. */
  private readonly keys: readonly [Buffer, ...Buffer[]];

  /** @param purpose what is sealed: the keys are derived from the application's secrets for it alone */
  constructor(secrets: Secrets, purpose: string) {
    this.keys = deriveKeys(secrets, purpose);
  }

  seal(content: Uint8Array, ownerId: string): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.keys[0], nonce, { authTagLength: TAG_BYTES });
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

  /** The same content sealed with the first key; undefined where it is so already, or the box does not open. */
  renew(box: Buffer, ownerId: string): Buffer | undefined {
    if (openWith(this.keys[0], box, ownerId)) return undefined;
    const content = this.open(box, ownerId);
    return content && this.seal(content, ownerId);
  }
}

function openWith(key: Buffer, box: Buffer, ownerId: string): Buffer | undefined {
  try {
    const nonce = box.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(ownerId));
    decipher.setAuthTag(box.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    return Buffer.concat([decipher.update(box.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}
