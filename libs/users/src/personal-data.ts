import { Injectable } from '@nestjs/common';
import type { UserSummary } from './user-summary.js';

/** All that one part of another module holds about a user, as JSON. */
type Contributor = (user: UserSummary) => Promise<readonly object[]>;

/** Puts the pseudonym in the place of the user, as they were until now, in the running transaction. */
type Eraser = (user: UserSummary, pseudonym: string) => Promise<void>;

/** Who else holds data about users: other modules, which this one does not know, say so here. */
@Injectable()
export class PersonalData {
  private readonly contributors = new Map<string, Contributor>();
  private readonly erasers: Eraser[] = [];

  /** Has the export of a user's data contain what `contribute` returns, under `name`. */
  onExport(name: string, contribute: Contributor): void {
    this.contributors.set(name, contribute);
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
