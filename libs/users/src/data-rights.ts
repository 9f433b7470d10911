import { Injectable } from '@nestjs/common';
import { Clock, DomainError, userReference } from '#kernel';
import { currentActor } from '#platform/context';
import { Database } from '#platform/database';
import { Idempotency } from '#platform/idempotency';
import { MailQueue } from '#platform/mail';
import { accountMails } from './account-mail-kinds.js';
import { AccountTokens } from './account-tokens.js';
import { currentUser } from './current-user.js';
import type { PersonalDataView } from './data-rights.schema.js';
import { IdentityLinks } from './external-identities/identity-links.js';
import { toIdentityView } from './external-identities/identity.schema.js';
import { recipientOf } from './letter.js';
import { PasswordCheck } from './password-check.js';
import { PersonalData } from './personal-data.js';
import { pseudonymOf } from './pseudonym.js';
import { registrantPrincipal } from './registrant-principal.js';
import { toStatusView } from './second-factor/second-factor-views.js';
import { SecondFactors } from './second-factor/second-factors.js';
import { SessionList } from './session-list.js';
import { Sessions } from './sessions.js';
import { toSummary } from './user-summary.js';
import { usersErrors } from './users.errors.js';
import { toSessionView, toUserView } from './users.schema.js';
import { UsersService } from './users.service.js';

/** What the law lets everybody ask: what is held about them, and that it be forgotten. */
@Injectable()
export class DataRights {
  constructor(
    private readonly users: UsersService,
    private readonly sessionList: SessionList,
    private readonly sessions: Sessions,
    private readonly tokens: AccountTokens,
    private readonly identities: IdentityLinks,
    private readonly secondFactors: SecondFactors,
    private readonly passwordCheck: PasswordCheck,
    private readonly personalData: PersonalData,
    private readonly mails: MailQueue,
    private readonly idempotency: Idempotency,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * All that is held about a user.
   *
   * @throws DomainError user_not_found
   */
  async export(userId: string): Promise<PersonalDataView> {
    const user = await this.users.get(userId);
    const sessions = await this.sessionList.all(userId);
    const identities = await this.identities.all(userId);
    return {
      exportedAt: this.clock.now().toISOString(),
      profile: toUserView(user),
      sessions: sessions.map(({ revokedAt, ...session }) => ({
        ...toSessionView(session),
        revokedAt: revokedAt?.toISOString() ?? null,
      })),
      externalIdentities: identities.map(toIdentityView),
      secondFactor: toStatusView(await this.secondFactors.statusOf(userId)),
      records: await this.personalData.collect(toSummary(user)),
    };
  }

  /**
   * Forgets the person who calls: a pseudonym takes their place, whatever lets them in is gone, and a last mail says so. What other modules
   * hold is theirs to pseudonymise in the same transaction; one that still needs it refuses, and then nothing happens.
   *
   * @throws DomainError wrong_password, insufficient_aal, rate_limited, user_not_found, last_admin, orders_open,
   *   service_unavailable
   */
  async eraseMe(password: string): Promise<void> {
    const caller = currentUser();
    const user = await this.passwordCheck.requireOfCaller(password);
    await this.forget(user, async () => {
      await this.secondFactors.lock(user.id);
      await this.secondFactors.requireProven(caller);
    });
  }

  /**
   * Forgets somebody who has asked for it, in the same way.
   *
   * @throws DomainError user_not_found, last_admin, orders_open; own_account to whom would erase themselves without their password
   */
  async erase(userId: string): Promise<void> {
    const actor = currentActor();
    if (actor.kind === 'user' && actor.userId === userId) throw new DomainError(usersErrors.own_account);
    await this.forget({ id: userId });
  }

  /** @param judge refuses it, in its transaction */
  private async forget(
    proof: Parameters<UsersService['erase']>[0],
    judge?: () => Promise<void>,
  ): Promise<void> {
    const { id: userId } = proof;
    await this.database.transaction(async () => {
      // Whoever is about to store something about this person waits, and finds them gone.
      await this.database.lock('person', userId);
      await judge?.();
      const person = await this.users.erase(proof);
      const { email } = person;
      await this.personalData.forget(toSummary(person), pseudonymOf(userId));
      // First: it waits for a mail that is being written, whose token is there to be ended after that.
      await this.mails.withdrawAbout(userId, email);
      await this.tokens.endAll(userId);
      await this.secondFactors.forget(userId);
      await this.sessions.forgetAll(userId);
      await this.identities.forget(userId);
      // Where no mail leaves, the queue would go on holding the address.
      if (this.mails.isDelivered) await this.mails.enqueue(accountMails.erased, userId, recipientOf(person));
      await this.idempotency.forget([userReference(userId), registrantPrincipal(email)]);
    });
  }
}
