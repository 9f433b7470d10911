import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { currentActor } from '#platform/context';
import { Database } from '#platform/database';
import { Sessions } from '../sessions.js';
import { usersErrors } from '../users.errors.js';
import { UsersService } from '../users.service.js';
import { SecondFactorMails } from './second-factor-mails.js';
import { SecondFactors } from './second-factors.js';

/** Takes every second factor from somebody who has lost theirs. */
@Injectable()
export class ResetSecondFactor {
  constructor(
    private readonly users: UsersService,
    private readonly secondFactors: SecondFactors,
    private readonly sessions: Sessions,
    private readonly mails: SecondFactorMails,
    private readonly database: Database,
  ) {}

  /**
   * Ends their sessions as well: whoever has found the second factor may be among them.
   *
   * @throws DomainError user_not_found, no_second_factor; own_second_factor, which whoever has found the session of an
   *   administrator could otherwise take away
   */
  async execute(userId: string): Promise<void> {
    const actor = currentActor();
    if (actor.kind === 'user' && actor.userId === userId) {
      throw new DomainError(usersErrors.own_second_factor);
    }
    await this.database.transaction(async () => {
      await this.secondFactors.lock(userId);
      const user = await this.users.hold(userId);
      if (!user) throw new DomainError(usersErrors.user_not_found);
      await this.secondFactors.requireOne(userId);
      await this.secondFactors.forget(userId);
      await this.sessions.revokeAll(userId);
      await this.mails.tell(user, 'reset');
    });
  }
}
