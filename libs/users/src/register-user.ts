import { Injectable } from '@nestjs/common';
import { hashOfToken } from '#kernel';
import { Config } from '#platform/config';
import { Database } from '#platform/database';
import { Idempotency } from '#platform/idempotency';
import { MailQueue } from '#platform/mail';
import { type Limiter, Limiters } from '#platform/redis';
import { accountMails, oneMailTo } from './account-mail-kinds.js';
import { MAX_LIVE_MAILS, TOKEN_LIFETIME_MINUTES } from './account-tokens.js';
import { Passwords } from './passwords.js';
import { registrantPrincipal } from './registrant-principal.js';
import { type Registration, toUserView, type UserView } from './users.schema.js';
import { UsersService } from './users.service.js';

/** Makes an account for whoever asks for one. */
@Injectable()
export class RegisterUser {
  /** Mails to owners of addresses that others register with. */
  private readonly notices: Limiter;

  constructor(
    private readonly users: UsersService,
    private readonly passwords: Passwords,
    private readonly idempotency: Idempotency,
    private readonly mails: MailQueue,
    private readonly database: Database,
    private readonly config: Config,
    limiters: Limiters,
  ) {
    const duration = TOKEN_LIFETIME_MINUTES * 60;
    this.notices = limiters.create({
      keyPrefix: 'steelyard:address-taken',
      points: MAX_LIVE_MAILS,
      duration,
    });
  }

  /**
   * Registers a customer. A repeated call with the same key and the same data gets the first one's answer. Where
   * addresses have to be confirmed, the answer is null for every address, and the owner of one that is taken is told.
   *
   * @throws DomainError email_taken, user_id_taken, idempotency_key_reused, idempotency_in_progress,
   *   service_unavailable
   */
  async execute(registration: Registration, idempotencyKey: string | undefined): Promise<UserView | null> {
    const { password, ...person } = registration;
    // Before the transaction, so that no connection waits for it.
    const passwordHash = await this.passwords.hash(password);
    const call =
      idempotencyKey === undefined
        ? undefined
        : {
            principal: registrantPrincipal(person.email),
            operation: 'users.register',
            key: idempotencyKey,
            payload: { ...person, password: this.passwords.fingerprint(password) },
          };
    const { USERS_EMAIL_VERIFICATION: verification } = this.config.settings;
    const { id, email, name } = person;
    if (verification === 'required') {
      // Counted for every address and every call, so that its time tells nothing; and before the transaction, so that no
      // connection waits for Redis.
      const mayTell = await this.countNotice(email);
      // A chosen id would tell: whether it is taken afterwards depends on the address.
      return this.idempotency.once(call, () => this.inSilence({ email, name, passwordHash }, mayTell));
    }
    return this.idempotency.once(call, async () => {
      const user = await this.users.add({ id, email, name, role: 'customer', passwordHash });
      if (verification === 'optional')
        await this.mails.enqueue(accountMails.verifyEmail, email, oneMailTo(email));
      return toUserView(user);
    });
  }

  /** Whoever has the address already gets a mail about that, and nobody else learns it. */
  private async inSilence(
    person: { email: string; name: string; passwordHash: string },
    mayTell: boolean,
  ): Promise<null> {
    const { email } = person;
    // Of two registrations at once the other one has to see the address first.
    await this.database.lock('email', email);
    if (await this.users.findByEmail(email)) {
      if (mayTell) await this.mails.enqueue(accountMails.addressTaken, email, oneMailTo(email));
    } else {
      await this.users.add({ ...person, role: 'customer' });
      await this.mails.enqueue(accountMails.verifyEmail, email, oneMailTo(email));
    }
    return null;
  }

  /** Whether an address may be told once more: strangers register with it as often as they like. */
  private async countNotice(email: string): Promise<boolean> {
    // A hash: addresses of people have no place in Redis.
    const { consumedPoints } = await this.notices.penalty(hashOfToken(email).toString('base64url'));
    return consumedPoints <= MAX_LIVE_MAILS;
  }
}
