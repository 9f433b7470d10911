import { Injectable } from '@nestjs/common';
import { Database } from '#platform/database';
import { PersonalData } from './personal-data.js';
import { toSummary, type UserSummary } from './user-summary.js';
import { UsersService } from './users.service.js';

/** What other modules may ask of this one. */
@Injectable()
export class UsersFacade {
  constructor(
    private readonly users: UsersService,
    private readonly personalData: PersonalData,
    private readonly database: Database,
  ) {}

  /** The user with this id; undefined where there is none. */
  async get(userId: string): Promise<UserSummary | undefined> {
    const user = await this.users.find(userId);
    return user && toSummary(user);
  }

  /** The user with this address, in lower case; undefined where there is none. */
  async findByEmail(email: string): Promise<UserSummary | undefined> {
    const user = await this.users.findByEmail(email);
    return user && toSummary(user);
  }

  /**
   * Like `get`, for whoever stores something about the user: they cannot be erased before the running transaction ends.
   */
  async hold(userId: string): Promise<UserSummary | undefined> {
    await this.database.lock('person', userId, { shared: true });
    return this.get(userId);
  }

  /** Has the export of a user's data contain what `contribute` returns, under `name`. */
  onExport(...contribution: Parameters<PersonalData['onExport']>): void {
    this.personalData.onExport(...contribution);
  }

  /**
   * Has `follow` called for a user who leaves an address that they have proven, in the transaction in which they do:
   * what is theirs by the address alone, whoever has it next could not be told from them.
   */
  onLeave(...follower: Parameters<PersonalData['onLeave']>): void {
    this.personalData.onLeave(...follower);
  }

  /**
   * Has `erase` put the pseudonym in the place of a user, in the transaction that erases them. It gets them as they
   * were; whoever still needs them throws, and then nothing happens.
   */
  onErase(...eraser: Parameters<PersonalData['onErase']>): void {
    this.personalData.onErase(...eraser);
  }
}
