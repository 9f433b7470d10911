import { Injectable } from '@nestjs/common';
import type { UserSummary } from './user-summary.js';

/** All that one part of another module holds about a user, as JSON. */
type Contributor = (user: UserSummary) => Promise<readonly object[]>;

/** Takes what is the user's under the address that they are about to leave, and have proven, in the running transaction. */
type Follower = (user: UserSummary) => Promise<void>;

/** Puts the pseudonym in the place of the user, as they were until now, in the running transaction. */
type Eraser = (user: UserSummary, pseudonym: string) => Promise<void>;

/** Who else holds data about users: other modules, which this one does not know, say so here. */
@Injectable()
export class PersonalData {
  private readonly contributors = new Map<string, Contributor>();
  private readonly followers: Follower[] = [];
  private readonly erasers: Eraser[] = [];

  /** Has the export of a user's data contain what `contribute` returns, under `name`. */
  onExport(name: string, contribute: Contributor): void {
    this.contributors.set(name, contribute);
  }

  /** Has `follow` called when a user leaves an address that was theirs for certain: by it alone nobody finds them later. */
  onLeave(follow: Follower): void {
    this.followers.push(follow);
  }

  /** Has all of them follow a user who leaves an address. */
  async follow(user: UserSummary): Promise<void> {
    for (const follow of this.followers) await follow(user);
  }

  /** Has `erase` called when a user is erased, whom it knows by no other way any more; what it throws refuses that. */
  onErase(erase: Eraser): void {
    this.erasers.push(erase);
  }

  /** Has all of them forget a user. */
  async forget(...erasure: Parameters<Eraser>): Promise<void> {
    for (const erase of this.erasers) await erase(...erasure);
  }

  /** What all of them hold about a user. */
  async collect(user: UserSummary): Promise<Record<string, readonly object[]>> {
    const records: Record<string, readonly object[]> = {};
    for (const [name, contribute] of this.contributors) records[name] = await contribute(user);
    return records;
  }
}
