import {
  allowsMulticapture,
  type BankAnswer,
  type Behaviour,
  type Fault,
  methodBehaviour,
  type Step,
  type WebhookFault,
} from './behaviours.js';
import { Books } from './books.js';
import { execution, type Executed, IdempotencyKeys } from './idempotency-keys.js';
import type { KnownPayment, NewIntent, Verdict } from './new-intent.js';
import type { Dispute, DisputeEnd, Effect, Intent, News, Refund } from './records.js';
import { cardRefused, invalidRequest, rateLimited, serverError } from './refusal.js';
import { type CaptureOrder, type DisputeOrder, keptAmount, type RefundOrder } from './rules.js';
import { DEFAULT_SCRIPT, type Script, ScriptPlayer } from './script.js';
import { type Totals, totalsOf } from './totals.js';

/** What every request brings beside its parameters. */
export interface Call {
  /** Idempotency key. */
  readonly key?: string | undefined;
  /** The same for requests that ask for the same. */
  readonly fingerprint: string;
  /** Name of a behaviour that the request asks for itself. */
  readonly asked?: string | undefined;
}

/** How a request ends. The effect, where there is one, has happened already. */
export interface Reply<T> {
  readonly ending: Fault['ending'];
  /** What it is answered, where it is. */
  readonly executed: Executed<T>;
  /** The answer was kept from an earlier request of the same key. */
  readonly isReplay: boolean;
  readonly delayMs: number;
  readonly webhooks: readonly PlannedWebhook[];
}

export interface PlannedWebhook {
  readonly news: News;
  readonly isBeforeResponse: boolean;
  readonly delayMs: number;
}

/** What came of something that no request asked for, and what to report about it. */
export interface Happening<T> {
  readonly result: T;
  readonly webhooks: readonly PlannedWebhook[];
}

/** What a payment is to be. */
export type PaymentOrder = Omit<NewIntent, 'authorizationMs'>;

interface Surroundings {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly seed?: number;
  readonly player?: ScriptPlayer;
}

/** How a request is treated that misbehaving does not reach. */
const WELL_BEHAVED: Behaviour = {};

/**
 * A payment gateway with books that misbehaves when told to. It knows no network and waits for nothing: a Reply says
 * what whoever carries it has to do. The same requests under the same script end the same way. Everything is kept in
 * memory, and grows until reset().
 */
export class PaymentSimulator {
  private readonly now: () => number;
  private readonly seed: number;
  private books: Books;
  private keys: IdempotencyKeys;
  private player: ScriptPlayer;
  private unsettled: { refundId: string; key: string; status: 'succeeded' | 'failed'; dueAt: number }[] = [];
  private keylessCount = 0;

  /** @param surroundings.player counts the tries of each key; simulators that share it see them as one gateway would */
  constructor({
    now = Date.now,
    seed = DEFAULT_SCRIPT.seed,
    player = new ScriptPlayer(),
  }: Surroundings = {}) {
    this.now = now;
    this.seed = seed;
    this.books = new Books(now, seed);
    this.keys = new IdempotencyKeys(now);
    this.player = player;
    this.follow(DEFAULT_SCRIPT);
  }

  /** Forgets everything: payments, keys, the log and the script. */
  reset(): void {
    this.books = new Books(this.now, this.seed);
    this.keys = new IdempotencyKeys(this.now);
    this.player = new ScriptPlayer();
    this.unsettled = [];
    this.follow(DEFAULT_SCRIPT);
  }

  /** Misbehaves by `script` from now on, on top of the defaults. */
  follow(script: Partial<Script>): void {
    this.player.follow({ ...DEFAULT_SCRIPT, seed: this.seed, ...script });
  }

  get effects(): readonly Effect[] {
    return this.books.effects;
  }

  /** By currency. */
  get totals(): Record<string, Totals> {
    return totalsOf(this.effects);
  }

  /** Takes over a payment that is not from here, without effect: what follows can then be asked of it. */
  adopt(payment: KnownPayment): void {
    this.books.adopt(payment);
  }

  create(call: Call, order: PaymentOrder): Reply<Intent> {
    const { paymentMethod } = order;
    const { authorizationMs } = this.player.script;
    return this.write('authorize', call, paymentMethod, (key, bank) => {
      if (paymentMethod !== null && !methodBehaviour(paymentMethod)) {
        throw invalidRequest(`No such PaymentMethod: '${paymentMethod}'`, {
          code: 'resource_missing',
          param: 'payment_method',
        });
      }
      const multicapture = order.multicapture && allowsMulticapture(paymentMethod ?? '');
      const answer = bank ?? bankOnCapture(order);
      const intent = this.books.create(key, { ...order, multicapture, authorizationMs }, verdictOf(answer));
      this.disputeFor(answer, key, intent);
      return intent;
    });
  }

  /** A final capture of nothing, which gives back the rest, counts as a void. */
  capture(call: Call, order: CaptureOrder): Reply<Intent> {
    const step = order.amount === 0 && order.isFinal ? 'void' : 'capture';
    return this.write(step, call, this.methodOf(order.intentId), (key, bank) => {
      this.refuseFor(bank, order.intentId);
      const intent = this.books.capture(key, order);
      this.disputeFor(bank, key, intent);
      return intent;
    });
  }

  /** @param reason as whoever cancels it says, or null */
  cancel(call: Call, intentId: string, reason: string | null = null): Reply<Intent> {
    return this.write('void', call, this.methodOf(intentId), (key, bank) => {
      this.refuseFor(bank, intentId);
      return this.books.cancel(key, intentId, reason);
    });
  }

  refund(call: Call, order: RefundOrder): Reply<Refund> {
    return this.write('refund', call, this.methodOf(order.intentId), (key, bank) => {
      if (typeof bank === 'object') return this.books.refund(key, order, 'failed');
      const refund = this.books.refund(key, order, bank === 'refund_pending' ? 'pending' : 'succeeded');
      const dueAt = this.now() + this.player.script.settleMs;
      if (bank === 'refund_pending') {
        this.unsettled.push({ refundId: refund.id, key, status: 'succeeded', dueAt });
      }
      if (bank === 'refund_fails_later') {
        this.unsettled.push({ refundId: refund.id, key, status: 'failed', dueAt });
      }
      return refund;
    });
  }

  intent(call: Call, id: string): Reply<Intent> {
    return this.read(call, () => this.books.intent(id));
  }

  refundOf(call: Call, id: string): Reply<Refund> {
    return this.read(call, () => this.books.refundOf(id));
  }

  /** Newest first. */
  refundsOfIntent(call: Call, intentId: string): Reply<Refund[]> {
    return this.read(call, () => this.books.refundsOfIntent(intentId));
  }

  disputeOf(call: Call, id: string): Reply<Dispute> {
    return this.read(call, () => this.books.disputeOf(id));
  }

  /** Newest first. */
  disputesOfIntent(call: Call, intentId: string): Reply<Dispute[]> {
    return this.read(call, () => this.books.disputesOfIntent(intentId));
  }

  /** Intents that carry `value` under `name` of their metadata, newest first; the newest of all are not found yet. */
  search(call: Call, name: string, value: string): Reply<Intent[]> {
    return this.read(call, () =>
      this.books.intentsWith(name, value, this.now() - this.player.script.searchLagMs),
    );
  }

  /**
   * The bank of a shopper takes back what was captured.
   *
   * @throws GatewayRefusal when there is not so much left to take
   */
  openDispute(order: DisputeOrder): Happening<Dispute> {
    return this.happen((key) => this.books.openDispute(key, order));
  }

  /** @throws GatewayRefusal when the dispute is over */
  closeDispute(id: string, status: DisputeEnd): Happening<Dispute> {
    return this.happen((key) => this.books.closeDispute(key, id, status));
  }

  /**
   * The time to capture what is held is over.
   *
   * @throws GatewayRefusal when nothing is held
   */
  expireAuthorization(intentId: string): Happening<Intent> {
    return this.happen((key) => this.books.expire(key, intentId));
  }

  /** Settles the refunds whose time has come, and tells what to report about them. */
  settle(): PlannedWebhook[] {
    const due = this.unsettled.filter(({ dueAt }) => dueAt <= this.now());
    this.unsettled = this.unsettled.filter(({ dueAt }) => dueAt > this.now());
    for (const { key, refundId, status } of due) this.books.settleRefund(key, refundId, status);
    return this.plan(undefined);
  }

  /** When settle() has something to do next; undefined when nothing waits. */
  get nextSettlementAt(): number | undefined {
    return this.unsettled.length === 0 ? undefined : Math.min(...this.unsettled.map(({ dueAt }) => dueAt));
  }

  private happen<T>(run: (key: string) => T): Happening<T> {
    return { result: run(this.nameOfKeyless()), webhooks: this.plan(undefined) };
  }

  private read<T>(call: Call, run: () => T): Reply<T> {
    const { fingerprint, asked } = call;
    const behaviour = this.player.behaviourFor({ step: 'find', key: fingerprint, method: null, asked });
    return this.reply(behaviour, execution(run), false);
  }

  private write<T>(
    step: Step,
    call: Call,
    method: string | null,
    run: (key: string, bank: BankAnswer | undefined) => T,
  ): Reply<T> {
    const key = call.key ?? this.nameOfKeyless();
    const behaviour = this.player.behaviourFor({ step, key, method, asked: call.asked });
    const { hasEffect = true, isKept = false, isSlow = false } = behaviour.fault ?? {};
    const isStarted = hasEffect || isKept;
    if (!isStarted) return this.reply(behaviour, { refusal: serverError() }, false);

    const { keyRetentionMs, slowMs } = this.player.script;
    const recalled = execution(() => this.keys.recall(key, call.fingerprint, keyRetentionMs));
    if ('refusal' in recalled) return this.reply(WELL_BEHAVED, recalled, false);
    if (recalled.result) return this.reply(behaviour, recalled.result as Executed<T>, true);

    const executed = hasEffect ? execution(() => run(key, behaviour.bank)) : { refusal: serverError() };
    const kept = isKept ? { refusal: serverError() } : executed;
    this.keys.keep(key, call.fingerprint, kept, isSlow ? slowMs : 0);
    return this.reply(behaviour, kept, false);
  }

  private reply<T>({ fault, webhooks }: Behaviour, executed: Executed<T>, isReplay: boolean): Reply<T> {
    return {
      ending: fault?.ending ?? 'answered',
      executed: fault?.answers
        ? { refusal: fault.answers === 429 ? rateLimited() : serverError() }
        : executed,
      isReplay,
      // What is kept is at hand.
      delayMs: fault?.isSlow && !isReplay ? this.player.script.slowMs : 0,
      webhooks: this.plan(webhooks),
    };
  }

  /** When, and how often, what is new is reported. */
  private plan(fault: WebhookFault | undefined): PlannedWebhook[] {
    const news = this.books.takeNews();
    const planned = news.map((each) => ({
      news: each,
      isBeforeResponse: fault === 'before_response',
      delayMs: fault === 'out_of_order' ? this.player.script.outOfOrderMs : 0,
    }));
    if (fault === 'lost') return [];
    if (fault === 'out_of_order') return planned.reverse();
    return fault === 'duplicate' ? planned.flatMap((each) => [each, each]) : planned;
  }

  private methodOf(intentId: string): string | null {
    const found = execution(() => this.books.intent(intentId));
    return 'result' in found ? found.result.paymentMethod : null;
  }

  private refuseFor(bank: BankAnswer | undefined, intentId: string): void {
    if (typeof bank === 'object') throw cardRefused(bank.decline, this.books.intent(intentId));
  }

  /** Whoever disputes everything does so as soon as it is captured. */
  private disputeFor(bank: BankAnswer | undefined, key: string, intent: Intent): void {
    if (bank !== 'dispute' || keptAmount(intent) === 0) return;
    this.books.openDispute(key, { intentId: intent.id, reason: 'fraudulent' });
  }

  private nameOfKeyless(): string {
    this.keylessCount += 1;
    return `without-key-${this.keylessCount}`;
  }
}

/** Authorizing and capturing in one step fails as a whole when the capture would. */
function bankOnCapture({ captureMethod, paymentMethod }: PaymentOrder): BankAnswer | undefined {
  return captureMethod === 'automatic' ? methodBehaviour(paymentMethod ?? '')?.capture?.bank : undefined;
}

function verdictOf(bank: BankAnswer | undefined): Verdict {
  if (typeof bank === 'object') return bank.decline;
  return bank === 'action_required' ? 'action_required' : 'approved';
}
