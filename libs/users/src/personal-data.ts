import { Injectable } from '@nestjs/common';
import type { UserSummary } from './user-summary.js';

/** All that one part of another module holds about a user, as JSON. */
type Contributor = (user: UserSummary) => Promise<readonly object[]>;

/** Who else holds data about users: other modules, which this one does not know, say so here. */
@Injectable()
export class PersonalData {
  private readonly contributors = new Map<string, Contributor>();

  /** Has the export of a user's data contain what `contribute` returns, under `name`. */
  onExport(name: string, contribute: Contributor): void {
    this.contributors.set(name, contribute);
  }

  /** What all of them hold about a user. */
  async collect(user: UserSummary): Promise<Record<string, readonly object[]>> {
    const records: Record<string, readonly object[]> = {};
    for (const [name, contribute] of this.contributors) records[name] = await contribute(user);
    return records;
  }
}
