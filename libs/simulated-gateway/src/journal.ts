import { createHash } from 'node:crypto';
import type { Dispute, Effect, Intent, News, NewsType, Refund } from './records.js';

/** What has happened, as the gateway keeps it: the log of every effect, what it has to tell, and how things are named. */
export class Journal {
  private readonly log: Effect[] = [];
  private news: News[] = [];
  private newsCount = 0;

  /** @param seed names of payments, refunds and disputes follow from it and from the key of the request */
  constructor(
    private readonly now: () => number,
    private readonly seed: number,
  ) {}

  get effects(): readonly Effect[] {
    return this.log;
  }

  /** What happened since this was last asked. */
  takeNews(): News[] {
    const news = this.news;
    this.news = [];
    return news;
  }

  enter(
    kind: Effect['kind'],
    key: string,
    { id: intentId, currency }: Intent,
    amount: number,
    about: { readonly refundId?: string; readonly disputeId?: string } = {},
  ): void {
    const sequence = this.log.length + 1;
    const { refundId = null, disputeId = null } = about;
    this.log.push({ sequence, kind, key, intentId, refundId, disputeId, amount, currency, at: this.now() });
  }

  tell(
    type: NewsType,
    key: string,
    intent: Intent,
    about: { readonly refund?: Refund; readonly dispute?: Dispute } = {},
  ): void {
    const { refund = null, dispute = null } = about;
    this.newsCount += 1;
    // The time keeps a simulator that was started again from repeating the names of its earlier news.
    const id = this.nameOf('evt', `${this.now()} ${this.newsCount}`);
    this.news.push({ id, type, intent, refund, dispute, at: this.now(), key });
  }

  /** The same request has the same name in every run, also after the simulator was started again. */
  nameOf(prefix: string, key: string): string {
    const digest = createHash('sha256').update(`${this.seed} ${prefix} ${key}`).digest('hex');
    return `${prefix}_sim${digest.slice(0, 24)}`;
  }

  /** A key that the gateway has forgotten makes something new, as it would at Stripe. */
  freeName(prefix: string, key: string, taken: ReadonlyMap<string, unknown>): string {
    for (
      let round = 1, name = this.nameOf(prefix, key);
      ;
      round += 1, name = this.nameOf(prefix, `${key} ${round}`)
    ) {
      if (!taken.has(name)) return name;
    }
  }
}
