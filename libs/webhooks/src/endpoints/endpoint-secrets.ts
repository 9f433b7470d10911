import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '#platform/config';
import { SecretBox } from '#platform/security';

/** As Standard Webhooks writes secrets: tells people, and scanners for secrets, what it is. */
const PREFIX = 'whsec_';
const SECRET_BYTES = 32;

/** Makes the secrets with which webhooks are signed, and keeps them readable for us alone. */
@Injectable()
export class EndpointSecrets {
  private readonly box: SecretBox;

  constructor(config: Config) {
    this.box = new SecretBox(config.appSecrets, 'webhook secrets');
  }

  /** A new secret as the partner gets it, and as it is stored. */
  issue(endpointId: string): { secret: string; sealed: Buffer } {
    const key = randomBytes(SECRET_BYTES);
    return { secret: PREFIX + key.toString('base64'), sealed: this.box.seal(key, endpointId) };
  }

  /** The key of a stored secret; undefined when the APP_SECRET that sealed it is gone. */
  open(sealed: Buffer, endpointId: string): Buffer | undefined {
    return this.box.open(sealed, endpointId);
  }

  /** The stored secret sealed with the first APP_SECRET; undefined where there is nothing to change. */
  renew(sealed: Buffer, endpointId: string): Buffer | undefined {
    return this.box.renew(sealed, endpointId);
  }
}
