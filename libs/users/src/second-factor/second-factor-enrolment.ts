import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { Database } from '#platform/database';
import { Admission } from '../admission.js';
import type { Tokens } from '../auth.schema.js';
import { currentUser } from '../current-user.js';
import { IdentityLinks } from '../external-identities/identity-links.js';
import { PasswordCheck } from '../password-check.js';
import { PendingChanges } from '../pending-changes.js';
import { Sessions } from '../sessions.js';
import type { User } from '../user.row.js';
import { usersErrors } from '../users.errors.js';
import { UsersService } from '../users.service.js';
import { Challenges } from './challenges.js';
import { type Passkey, Passkeys } from './passkeys.js';
import { RecoveryCodes } from './recovery-codes.js';
import type { FactorProof } from './second-factor.schema.js';
import { SecondFactorMails } from './second-factor-mails.js';
import { type MethodReference, referenceOf, SecondFactors } from './second-factors.js';
import { Totp, type TotpSecret } from './totp.js';
import { challengeIn, type PasskeyKey, WebAuthn } from './webauthn.js';
import type { Attestation, CreationOptions } from './webauthn.schema.js';

/** What comes of a second factor that was added, beside itself. */
interface Added {
  readonly recoveryCodes: string[] | null;
  readonly tokens: Tokens | null;
}

/**
 * Adding second factors to one's account, and taking them away. To add one takes the password, and a log-in with a
 * second factor where there is one already; to take one away, or to see new recovery codes, the password and the proof
 * of a second factor in the same call.
 */
@Injectable()
export class SecondFactorEnrolment {
  constructor(
    private readonly users: UsersService,
    private readonly passwordCheck: PasswordCheck,
    private readonly pending: PendingChanges,
    private readonly admission: Admission,
    private readonly sessions: Sessions,
    private readonly identities: IdentityLinks,
    private readonly secondFactors: SecondFactors,
    private readonly totp: Totp,
    private readonly passkeys: Passkeys,
    private readonly recoveryCodes: RecoveryCodes,
    private readonly challenges: Challenges,
    private readonly webAuthn: WebAuthn,
    private readonly mails: SecondFactorMails,
    private readonly database: Database,
  ) {}

  /**
   * A secret for an authenticator app, which counts once its first code has come.
   *
   * @throws DomainError wrong_password, insufficient_aal, totp_enrolled, rate_limited, user_not_found,
   *   service_unavailable
   */
  async enrolTotp(password: string): Promise<TotpSecret> {
    return this.adding(password, ({ id, email }) => this.totp.enrol(id, email));
  }

  /**
   * Takes the app's first code, from which on it is a second factor. The session has proven one by that: it is raised.
   *
   * @returns recovery codes with the first second factor of the account, else null; the tokens of the session from now
   *   on, null where it is an outside provider's
   * @throws DomainError totp_not_pending when no app waits for its code; wrong_second_factor, insufficient_aal, rate_limited,
   *   user_not_found
   */
  async confirmTotp(code: string): Promise<Added> {
    const { userId, sessionId } = currentUser();
    const confirmed = await this.secondFactors.guess(userId, () =>
      this.alone(userId, async (user) => {
        // Another may have been added since this one was begun.
        await this.secondFactors.requireProven(currentUser());
        const isFirst = await this.isWithout(userId);
        if (!(await this.totp.isPending(userId))) throw new DomainError(usersErrors.totp_not_pending);
        if (!(await this.totp.confirm(userId, code))) return undefined;
        await this.mails.tell(user, 'totp_added');
        return this.added(user, sessionId, 'otp', isFirst);
      }),
    );
    if (!confirmed) throw new DomainError(usersErrors.wrong_second_factor);
    return confirmed;
  }

  /**
   * @throws DomainError totp_not_enrolled, wrong_password, wrong_second_factor, rate_limited, user_not_found,
   *   service_unavailable
   */
  async removeTotp(confirmation: FactorProof): Promise<void> {
    const { userId, sessionId } = currentUser();
    if (!(await this.totp.enrolledAt(userId))) throw new DomainError(usersErrors.totp_not_enrolled);
    await this.confirmed(userId, confirmation, async (user) => {
      await this.totp.remove(userId);
      await this.afterRemoval(userId, sessionId);
      await this.mails.tell(user, 'totp_removed');
    });
  }

  /**
   * What a browser needs to make a passkey.
   *
   * @throws DomainError wrong_password, insufficient_aal, rate_limited, user_not_found, service_unavailable
   */
  async passkeyOptions(password: string): Promise<CreationOptions> {
    return this.adding(password, async (user) => {
      const challenge = await this.challenges.issue('passkey_registration', user.id);
      return this.webAuthn.creationOptions(user, challenge, await this.passkeys.handles(user.id));
    });
  }

  /**
   * Adds the passkey that a browser has made. The session has proven a second factor by that: it is raised.
   *
   * @returns what confirming an app does as well
   * @throws DomainError passkey_not_accepted, passkey_limit_reached, insufficient_aal, user_not_found
   */
  async addPasskey(name: string, attestation: Attestation): Promise<Added & { passkey: Passkey }> {
    const { userId, sessionId } = currentUser();
    const challenge = challengeIn(attestation);
    const isOpen =
      challenge !== undefined && (await this.challenges.userOf('passkey_registration', challenge)) === userId;
    if (!isOpen) throw noOpenChallenge();
    const key = await this.verified(attestation, challenge);
    return this.alone(userId, async (user) => {
      // A new password may have ended it, or another passkey have spent it, just now.
      if (!(await this.challenges.spend('passkey_registration', challenge, userId))) throw noOpenChallenge();
      // Another may have been added since this one was begun.
      await this.secondFactors.requireProven(currentUser());
      const isFirst = await this.isWithout(userId);
      const passkey = await this.passkeys.add(userId, name, key);
      await this.mails.tell(user, 'passkey_added');
      return { passkey, ...(await this.added(user, sessionId, referenceOf(passkey), isFirst)) };
    });
  }

  /**
   * @throws DomainError passkey_not_found, also when it is somebody else's; wrong_password, wrong_second_factor,
   *   rate_limited, user_not_found, service_unavailable
   */
  async removePasskey(id: string, confirmation: FactorProof): Promise<void> {
    const { userId, sessionId } = currentUser();
    const passkeys = await this.passkeys.list(userId);
    if (!passkeys.some((passkey) => passkey.id === id)) throw new DomainError(usersErrors.passkey_not_found);
    await this.confirmed(userId, confirmation, async (user) => {
      await this.passkeys.remove(id, userId);
      await this.afterRemoval(userId, sessionId);
      await this.mails.tell(user, 'passkey_removed');
    });
  }

  /**
   * Ten new recovery codes in place of all before.
   *
   * @throws DomainError no_second_factor, wrong_password, wrong_second_factor, rate_limited, user_not_found,
   *   service_unavailable
   */
  async replaceRecoveryCodes(confirmation: FactorProof): Promise<string[]> {
    const { userId } = currentUser();
    await this.secondFactors.requireOne(userId);
    return this.confirmed(userId, confirmation, async (user) => {
      await this.mails.tell(user, 'recovery_codes_replaced');
      return this.recoveryCodes.replace(userId);
    });
  }

  /** Runs `begin` once the password is proven, and in a session with a second factor where there is one. */
  private async adding<T>(password: string, begin: (user: User) => Promise<T>): Promise<T> {
    const caller = currentUser();
    const user = await this.passwordCheck.requireOfCaller(password);
    return this.alone(caller.userId, async () => {
      await this.passwordCheck.hold(user);
      // Whoever knows the password alone would make the second factor worth nothing by adding one of theirs.
      await this.secondFactors.requireProven(caller);
      return begin(user);
    });
  }

  private async verified(attestation: Attestation, challenge: string): Promise<PasskeyKey> {
    try {
      return await this.webAuthn.verifyAttestation(attestation, challenge);
    } catch (error) {
      // The library's words say what is wrong, such as an origin that is not among WEBAUTHN_ORIGINS.
      const detail = error instanceof Error ? error.message : undefined;
      throw new DomainError(usersErrors.passkey_not_accepted, { ...(detail && { detail }), cause: error });
    }
  }

  /** Runs `change` once the password and the second factor are proven, in the transaction that takes the proof. */
  private async confirmed<T>(
    userId: string,
    { password, ...proof }: FactorProof,
    change: (user: User) => Promise<T>,
  ): Promise<T> {
    const user = await this.passwordCheck.requireOfCaller(password);
    const done = await this.secondFactors.guess(userId, () =>
      this.alone(userId, async () => {
        await this.passwordCheck.hold(user);
        if (!(await this.secondFactors.accept(user, proof))) return undefined;
        return { result: await change(user) };
      }),
    );
    if (!done) throw new DomainError(usersErrors.wrong_second_factor);
    return done.result;
  }

  private async isWithout(userId: string): Promise<boolean> {
    return (await this.secondFactors.methodsOf(userId)).length === 0;
  }

  private async added(
    user: User,
    sessionId: string,
    method: MethodReference,
    isFirst: boolean,
  ): Promise<Added> {
    const tokens = (await this.admission.raise(user, sessionId, method)) ?? null;
    return { tokens, recoveryCodes: isFirst ? await this.afterFirst(user, sessionId) : null };
  }

  /**
   * Other sessions, log-ins elsewhere, and what was begun by the password alone, such as a change of the address, need
   * less than the account asks for from now on: they end. Recovery codes come.
   */
  private async afterFirst(user: User, sessionId: string): Promise<string[]> {
    await this.sessions.revokeAll(user.id, sessionId);
    await this.identities.endAll(user);
    await this.pending.endAll(user.id);
    return this.recoveryCodes.replace(user.id);
  }

  /**
   * Other sessions may be those of a lost device, which had the factor: they end. Recovery codes stand in for a second
   * factor, and go with the last one; so does what this session has proven.
   */
  private async afterRemoval(userId: string, sessionId: string): Promise<void> {
    await this.sessions.revokeAll(userId, sessionId);
    if (!(await this.isWithout(userId))) return;
    await this.recoveryCodes.removeAll(userId);
    await this.sessions.lower(sessionId, userId);
  }

  /**
   * Runs `change` in a transaction in which nobody else changes the user's second factors.
   *
   * @throws DomainError user_not_found for who is gone
   */
  private alone<T>(userId: string, change: (user: User) => Promise<T>): Promise<T> {
    return this.database.transaction(async () => {
      await this.secondFactors.lock(userId);
      const user = await this.users.hold(userId);
      if (!user) throw new DomainError(usersErrors.user_not_found);
      return change(user);
    });
  }
}

function noOpenChallenge(): DomainError {
  return new DomainError(usersErrors.passkey_not_accepted, {
    detail: 'It answers no challenge that is open: ask for new options.',
  });
}
