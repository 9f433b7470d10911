import { Injectable } from '@nestjs/common';
import { UsersService } from './users.service.js';

/** What other modules may know of a user. */
export interface UserSummary {
  readonly id: string;
  readonly email: string;
  readonly name: string;
}

/** What other modules may ask of this one. */
@Injectable()
export class UsersFacade {
  constructor(private readonly users: UsersService) {}

  /** The user with this id; undefined where there is none. */
  async get(userId: string): Promise<UserSummary | undefined> {
    const user = await this.users.find(userId);
    return user && { id: user.id, email: user.email, name: user.name };
  }
}
