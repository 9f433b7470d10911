import { Injectable } from '@nestjs/common';
import { type AssuranceLevel, DomainError } from '#kernel';
import { Database, statement } from '#platform/database';
import { securityErrors } from '#platform/security';
import { type Backoff, Backoffs } from '../backoff.js';
import type { User } from '../user.row.js';
import { usersErrors } from '../users.errors.js';
import { Challenges } from './challenges.js';
import { type Passkey, Passkeys, type StoredPasskey } from './passkeys.js';
import { RecoveryCodes } from './recovery-codes.js';
import type { SecondFactorMethod, SecondFactorProof } from './second-factor.schema.js';
import { SecondFactorMails } from './second-factor-mails.js';
import { Totp } from './totp.js';
import { challengeIn, WebAuthn } from './webauthn.js';
import type { Assertion } from './webauthn.schema.js';

/**
 * Whoever guesses codes knows the password already. Of a million codes three are good at a time: 40 guesses a day find
 * one in 20 years, and a person who mistypes waits for seconds.
 */
const GUESSES = { name: 'second-factor', freeFailures: 5, memorySeconds: 86_400, longestPauseSeconds: 3_600 };

const readMethods = statement(
  'users.second_factor_methods',
  `SELECT EXISTS (SELECT FROM users.totp WHERE user_id = $1 AND confirmed_at IS NOT NULL) AS totp,
          EXISTS (SELECT FROM users.passkeys WHERE user_id = $1) AS passkey,
          EXISTS (SELECT FROM users.recovery_codes WHERE user_id = $1 AND used_at IS NULL) AS "recoveryCode"`,
);

/** How somebody has proven what they have: an authentication method reference of RFC 8176. */
export type MethodReference = 'otp' | 'hwk' | 'swk';

/** A key that its maker keeps for several devices is software; one that never leaves its device is hardware. */
export function referenceOf({ synced }: { readonly synced: boolean }): MethodReference {
  return synced ? 'swk' : 'hwk';
}

/** What somebody has as a second factor. */
export interface SecondFactorStatus {
  readonly totpEnrolledAt: Date | undefined;
  readonly passkeys: Passkey[];
  readonly recoveryCodesLeft: number;
}

/** The second factors of users, and the proof that somebody has one: a code, a recovery code, a passkey's signature. */
@Injectable()
export class SecondFactors {
  private readonly guesses: Backoff;

  constructor(
    private readonly totp: Totp,
    private readonly passkeys: Passkeys,
    private readonly recoveryCodes: RecoveryCodes,
    private readonly challenges: Challenges,
    private readonly webAuthn: WebAuthn,
    private readonly mails: SecondFactorMails,
    private readonly database: Database,
    backoffs: Backoffs,
  ) {
    this.guesses = backoffs.create(GUESSES);
  }

  /** What a user can prove a second factor with; empty for whoever has none. */
  async methodsOf(userId: string): Promise<SecondFactorMethod[]> {
    const found = await this.database.queryOne<Record<'totp' | 'passkey' | 'recoveryCode', boolean>>(
      readMethods,
      [userId],
    );
    if (!found?.totp && !found?.passkey) return [];
    return (['totp', 'passkey', 'recoveryCode'] as const).filter((method) => found[method]);
  }

  /**
   * Passes who has no second factor, and whose session has proven one: by the password alone nobody changes how an
   * account is entered, or ends it, that asks for more.
   *
   * @throws DomainError insufficient_aal
   */
  async requireProven({
    userId,
    aal,
  }: {
    readonly userId: string;
    readonly aal: AssuranceLevel;
  }): Promise<void> {
    if (aal < 2 && (await this.methodsOf(userId)).length > 0) {
      throw new DomainError(securityErrors.insufficient_aal);
    }
  }

  /** Waits until nobody else changes the second factors of a user, or anything that asks for them, in a transaction. */
  async lock(userId: string): Promise<void> {
    await this.database.lock('second_factor', userId);
  }

  /** @throws DomainError no_second_factor for whoever has none */
  async requireOne(userId: string): Promise<void> {
    if ((await this.methodsOf(userId)).length === 0) throw new DomainError(usersErrors.no_second_factor);
  }

  /** What a user has as a second factor, for them to look at. */
  async statusOf(userId: string): Promise<SecondFactorStatus> {
    return {
      totpEnrolledAt: await this.totp.enrolledAt(userId),
      passkeys: await this.passkeys.list(userId),
      recoveryCodesLeft: await this.recoveryCodes.left(userId),
    };
  }

  /**
   * Runs `verify`, which takes a proof, as one guess at a user's second factor: undefined counts as a failure.
   *
   * @throws DomainError rate_limited
   */
  guess<T>(userId: string, verify: () => Promise<T | undefined>): Promise<T | undefined> {
    return this.guesses.attempt(userId, verify);
  }

  /**
   * Takes the proof of a second factor, which is spent by that; undefined when it is none.
   *
   * @param challenge what a passkey must have signed; absent: what they asked for while logged in, which is spent by that
   */
  async accept(
    user: User,
    { totp, recoveryCode, passkey }: SecondFactorProof,
    challenge?: string,
  ): Promise<MethodReference | undefined> {
    const { id: userId } = user;
    if (totp !== undefined) return (await this.totp.accept(userId, totp)) ? 'otp' : undefined;
    if (recoveryCode !== undefined) {
      if (!(await this.recoveryCodes.accept(userId, recoveryCode))) return undefined;
      await this.mails.tell(user, 'recovery_code_used');
      return 'otp';
    }
    if (passkey === undefined) return undefined;
    const signed = challenge ?? challengeIn(passkey);
    if (signed === undefined) return undefined;
    if (challenge === undefined && !(await this.challenges.spend('step_up', signed, userId)))
      return undefined;
    const key = await this.passkeys.find(passkey.id);
    return key?.userId === userId ? this.acceptPasskey(key, passkey, signed) : undefined;
  }

  /** Takes the signature of a passkey, which has then signed; undefined when it is none. */
  async acceptPasskey(
    key: StoredPasskey,
    assertion: Assertion,
    challenge: string,
  ): Promise<MethodReference | undefined> {
    const signCount = await this.webAuthn.verifyAssertion(assertion, challenge, key, key.userId);
    if (signCount === undefined || !(await this.passkeys.noteUse(key.id, signCount))) return undefined;
    return referenceOf(key);
  }

  /** Ends what a user, or whoever knew their password, has begun and not brought to its end. */
  async endPending(userId: string): Promise<void> {
    await this.totp.endPending(userId);
    await this.challenges.endAll(userId);
  }

  /** Forgets all that a user has, and what they were to answer; whether there was a second factor. */
  async forget(userId: string): Promise<boolean> {
    const hadTotp = await this.totp.remove(userId);
    const hadPasskeys = await this.passkeys.removeAll(userId);
    await this.recoveryCodes.removeAll(userId);
    await this.challenges.endAll(userId);
    return hadTotp || hadPasskeys;
  }
}
