import { createHmac, randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import { deriveKeys, DomainError } from '#kernel';
import { Config } from '#platform/config';
import { currentContext } from '#platform/context';
import { httpErrors } from '#platform/http';
import { Metrics } from '#platform/telemetry';
import { bulkhead, BulkheadRejectedError } from 'cockatiel';

/** Argon2id, version 19, is the library's default; the costs are OWASP's first recommendation for it. */
const COSTS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** In place of a hash, for who has no password: none has this one. */
export const NO_PASSWORD = '!';

/** Each takes a core for some 20 ms and 19 MiB: as many at once as there are cores, and a queue of a few seconds. */
const MAX_HASHES_AT_ONCE = availableParallelism();
const MAX_HASHES_WAITING = 256;
const RETRY_AFTER_SECONDS = 2;

/**
 * Hashes and verifies passwords. A password is hashed in Unicode's composed form (NFC), as RFC 8265 has it: the same
 * characters make the same password, whichever keyboard composed them.
 */
@Injectable()
export class Passwords implements OnModuleInit {
  private readonly bulkhead = bulkhead(MAX_HASHES_AT_ONCE, MAX_HASHES_WAITING);
  private readonly fingerprintKey: Buffer;
  private decoyHash!: string;

  constructor(
    config: Config,
    private readonly metrics: Metrics,
  ) {
    [this.fingerprintKey] = deriveKeys(config.appSecrets, 'password fingerprints');
  }

  async onModuleInit(): Promise<void> {
    this.decoyHash = await this.hash(randomBytes(32).toString('base64'));
  }

  /**
   * The hash to store, with its salt and costs, in PHC format.
   *
   * @throws DomainError service_unavailable when too many wait already
   */
  async hash(password: string): Promise<string> {
    return this.bounded(() => hash(password.normalize('NFC'), COSTS));
  }

  /**
   * Whether `password` is the one behind `storedHash`. Where there is none, because nobody has that e-mail address or
   * whoever has it logs in elsewhere, the answer is no, after the same work, so that the time tells nothing.
   *
   * @throws DomainError service_unavailable when too many wait already
   */
  async verify(storedHash: string | undefined, password: string): Promise<boolean> {
    const known = storedHash === NO_PASSWORD ? undefined : storedHash;
    const matches = await this.bounded(() => verify(known ?? this.decoyHash, password.normalize('NFC')));
    return matches && known !== undefined;
  }

  /** Tells two passwords apart without telling either: a plain digest could be searched for a weak password. */
  fingerprint(password: string): string {
    return createHmac('sha256', this.fingerprintKey).update(password).digest('base64url');
  }

  private async bounded<T>(work: () => Promise<T>): Promise<T> {
    const { signal } = currentContext();
    try {
      const result = this.bulkhead.execute(() => {
        // It waited, and whoever asked may have gone meanwhile.
        signal.throwIfAborted();
        return work();
      });
      this.report();
      return await result;
    } catch (error) {
      if (!(error instanceof BulkheadRejectedError)) throw error;
      this.metrics.countRefusedHash();
      throw new DomainError(httpErrors.service_unavailable, { retryAfterSeconds: RETRY_AFTER_SECONDS });
    } finally {
      this.report();
    }
  }

  private report(): void {
    const { executionSlots, queueSlots } = this.bulkhead;
    this.metrics.setPasswordHashes({
      running: MAX_HASHES_AT_ONCE - executionSlots,
      waiting: MAX_HASHES_WAITING - queueSlots,
    });
  }
}
