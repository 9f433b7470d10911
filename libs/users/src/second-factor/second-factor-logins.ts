import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { Database } from '#platform/database';
import { securityErrors } from '#platform/security';
import { Admission } from '../admission.js';
import type { Tokens } from '../auth.schema.js';
import { currentUser } from '../current-user.js';
import type { ProvenUser } from '../user.row.js';
import { usersErrors } from '../users.errors.js';
import { UsersService } from '../users.service.js';
import { CHALLENGE_LIFETIME_SECONDS, Challenges } from './challenges.js';
import { Passkeys } from './passkeys.js';
import type { SecondFactorProof } from './second-factor.schema.js';
import { SecondFactors } from './second-factors.js';
import { challengeIn, WebAuthn } from './webauthn.js';
import type { Assertion, RequestOptions } from './webauthn.schema.js';

/** Log-ins that end with two factors: after the password, by a passkey alone, or later, in a session that is open. */
@Injectable()
export class SecondFactorLogins {
  constructor(
    private readonly users: UsersService,
    private readonly secondFactors: SecondFactors,
    private readonly passkeys: Passkeys,
    private readonly challenges: Challenges,
    private readonly webAuthn: WebAuthn,
    private readonly admission: Admission,
    private readonly database: Database,
  ) {}

  /**
   * Passes a user who has no second factor, and demands it of one who has, and who has just proven their password.
   *
   * @throws DomainError second_factor_required, with the token to go on with and all that a front-end needs for it;
   *   invalid_credentials when the password has changed meanwhile
   */
  async demand({ id: userId, passwordHash }: ProvenUser): Promise<void> {
    const methods = await this.secondFactors.methodsOf(userId);
    if (methods.length === 0) return;
    const challengeToken = await this.database.transaction(async () => {
      // A new password ends the tokens that the old one has opened: those that are there by then.
      if (!(await this.users.hold(userId, passwordHash))) {
        throw new DomainError(usersErrors.invalid_credentials);
      }
      return this.challenges.issue('second_factor', userId);
    });
    const passkeyOptions = methods.includes('passkey')
      ? { passkeyOptions: await this.optionsFor(userId, challengeToken) }
      : {};
    throw new DomainError(usersErrors.second_factor_required, {
      extensions: { challengeToken, expiresIn: CHALLENGE_LIFETIME_SECONDS, methods, ...passkeyOptions },
    });
  }

  /**
   * Opens a session for whoever has proven their password before and now a second factor. A wrong one leaves the
   * token good for another try.
   *
   * @throws DomainError invalid_or_expired_token for the challenge token, whatever is wrong with it;
   *   wrong_second_factor, rate_limited
   */
  async finish(challengeToken: string, proof: SecondFactorProof): Promise<Tokens> {
    const userId = await this.challenges.userOf('second_factor', challengeToken);
    if (userId === undefined) throw new DomainError(usersErrors.invalid_or_expired_token);
    const tokens = await this.secondFactors.guess(userId, () =>
      this.database.transaction(async () => {
        // A new password waits, and ends this session, or has ended the challenge.
        const user = await this.users.hold(userId);
        const method = user && (await this.secondFactors.accept(user, proof, challengeToken));
        if (!method) return undefined;
        if (!(await this.challenges.spend('second_factor', challengeToken, userId))) {
          throw new DomainError(usersErrors.invalid_or_expired_token);
        }
        return this.admission.enter(user, null, { aal: 2, amr: ['pwd', method, 'mfa'] });
      }),
    );
    if (!tokens) throw new DomainError(usersErrors.wrong_second_factor);
    return tokens;
  }

  /** What a browser needs to log in with any passkey that it has for the shop: nobody says yet who it is. */
  async passkeyOptions(): Promise<RequestOptions> {
    return this.webAuthn.requestOptions(await this.challenges.issue('passkey_login'));
  }

  /**
   * Opens a session with a passkey alone: something one has, and the PIN or the body that its authenticator verifies.
   *
   * @throws DomainError invalid_or_expired_token for the challenge; invalid_passkey, whatever is wrong with the
   *   passkey; email_not_verified
   */
  async withPasskey(assertion: Assertion): Promise<Tokens> {
    const challenge = challengeIn(assertion);
    if (challenge === undefined || !(await this.challenges.spend('passkey_login', challenge))) {
      throw new DomainError(usersErrors.invalid_or_expired_token);
    }
    return this.database.transaction(async () => {
      const key = await this.passkeys.find(assertion.id);
      const user = key && (await this.users.hold(key.userId));
      const method = user && (await this.secondFactors.acceptPasskey(key, assertion, challenge));
      if (!method) throw new DomainError(usersErrors.invalid_passkey);
      this.admission.requireMayEnter(user);
      return this.admission.enter(user, null, { aal: 2, amr: [method, 'user', 'mfa'] });
    });
  }

  /**
   * What a browser needs to prove a passkey of the user who calls.
   *
   * @throws DomainError no_second_factor, no_passkey
   */
  async stepUpOptions(): Promise<RequestOptions> {
    const { userId } = currentUser();
    await this.secondFactors.requireOne(userId);
    // Without a name in the list a browser would offer passkeys of others, which can prove nothing here.
    if ((await this.passkeys.handles(userId)).length === 0) throw new DomainError(usersErrors.no_passkey);
    return this.optionsFor(userId, await this.challenges.issue('step_up', userId));
  }

  /**
   * Raises the session of the user who calls to two factors.
   *
   * @returns its tokens from now on; refresh tokens of before are good for nothing
   * @throws DomainError no_second_factor, wrong_second_factor, rate_limited; invalid_token when the session has ended, or the user is gone
   */
  async stepUp(proof: SecondFactorProof): Promise<Tokens> {
    const { userId, sessionId } = currentUser();
    const tokens = await this.secondFactors.guess(userId, () =>
      this.database.transaction(async () => {
        const user = await this.users.hold(userId);
        if (!user) throw new DomainError(securityErrors.invalid_token);
        await this.secondFactors.requireOne(userId);
        const method = await this.secondFactors.accept(user, proof);
        if (!method) return undefined;
        const raised = await this.admission.raise(user, sessionId, method);
        if (!raised) throw new DomainError(securityErrors.invalid_token);
        return raised;
      }),
    );
    if (!tokens) throw new DomainError(usersErrors.wrong_second_factor);
    return tokens;
  }

  private async optionsFor(userId: string, challenge: string): Promise<RequestOptions> {
    return this.webAuthn.requestOptions(challenge, await this.passkeys.handles(userId));
  }
}
