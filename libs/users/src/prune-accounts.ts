import { Injectable } from '@nestjs/common';
import { AccountTokens } from './account-tokens.js';
import { IdentityLinks } from './external-identities/identity-links.js';
import { Challenges } from './second-factor/challenges.js';
import { Totp } from './second-factor/totp.js';
import { Sessions } from './sessions.js';

/**
 * Takes away what has come to its end in accounts, for people who do not come back as well: sessions, with where they
 * were opened; tokens, with the address they were mailed to; secrets and challenges that nobody answered; hashes of
 * ended links. Revoked API keys stay: the audit log names them.
 */
@Injectable()
export class PruneAccounts {
  constructor(
    private readonly sessions: Sessions,
    private readonly tokens: AccountTokens,
    private readonly challenges: Challenges,
    private readonly totp: Totp,
    private readonly identities: IdentityLinks,
  ) {}

  /**
   * @param limit how many rows of a kind go at most
   * @returns how many went
   */
  async execute(limit: number): Promise<number> {
    let gone = 0;
    for (const store of [this.sessions, this.tokens, this.challenges, this.totp, this.identities]) {
      gone += await store.prune(limit);
    }
    return gone;
  }
}
