import {
  allowsMulticapture,
  type BankAnswer,
  type Behaviour,
  type Fault,
  methodBehaviour,
  type Step,
  type WebhookFault,
} from './behaviours.js';
import { Books, type NewIntent, type Verdict } from './books.js';
import { execution, type Executed, IdempotencyKeys } from './idempotency-keys.js';
import type { Effect, Intent, News, Refund } from './records.js';
import { cardRefused, GatewayRefusal, invalidRequest } from './refusal.js';
import type { CaptureOrder, RefundOrder } from './rules.js';
import { DEFAULT_SCRIPT, type Script, ScriptPlayer } from './script.js';

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

/** What was captured and given back in one currency, and the difference. */
export interface Totals {
  readonly captured: number;
  readonly refunded: number;
  readonly net: number;
}

/** How a request is treated that misbehaving does not reach. */
const WELL_BEHAVED: Behaviour = {};

/**
 * A payment gateway with books that misbehaves when told to. It knows no network and waits for nothing: a Reply says
 * what whoever carries it has to do. The same requests under the same script end the same way. Everything is kept in
 * memory, and grows until reset().
 */
export class PaymentSimulator {
  private books: Books;
  private keys: IdempotencyKeys;
  private player = new ScriptPlayer();
  private unsettled: { refundId: string; key: string; status: 'succeeded' | 'failed'; dueAt: number }[] = [];
  private keylessCount = 0;

  constructor(
    private readonly now: () => number = Date.now,
    private readonly seed = DEFAULT_SCRIPT.seed,
  ) {
    this.books = new Books(now, seed);
    this.keys = new IdempotencyKeys(now);
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
    const totals: Record<string, Totals> = {};
    for (const { kind, amount, currency } of this.effects) {
      const { captured, refunded } = (totals[currency] ??= { captured: 0, refunded: 0, net: 0 });
      const sum = {
        captured: captured + (kind === 'captured' ? amount : 0),
        refunded: refunded + (kind === 'refunded' ? amount : kind === 'refund_failed' ? -amount : 0),
      };
      totals[currency] = { ...sum, net: sum.captured - sum.refunded };
    }
    return totals;
  }

  create(call: Call, order: NewIntent): Reply<Intent> {
    const { paymentMethod } = order;
    return this.write('authorize', call, paymentMethod, (key, bank) => {
      if (paymentMethod !== null && !methodBehaviour(paymentMethod)) {
        throw invalidRequest(`No such PaymentMethod: '${paymentMethod}'`, {
          code: 'resource_missing',
          param: 'payment_method',
        });
      }
      const multicapture = order.multicapture && allowsMulticapture(paymentMethod ?? '');
      return this.books.create(key, { ...order, multicapture }, verdictOf(bank ?? bankOnCapture(order)));
    });
  }

  /** A final capture of nothing, which gives back the rest, counts as a void. */
  capture(call: Call, order: CaptureOrder): Reply<Intent> {
    const step = order.amount === 0 && order.isFinal ? 'void' : 'capture';
    return this.write(step, call, this.methodOf(order.intentId), (key, bank) => {
      this.refuseFor(bank, order.intentId);
      return this.books.capture(key, order);
    });
  }

  cancel(call: Call, intentId: string): Reply<Intent> {
    return this.write('void', call, this.methodOf(intentId), (key, bank) => {
      this.refuseFor(bank, intentId);
      return this.books.cancel(key, intentId);
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

  /** Intents that carry `value` under `name` of their metadata, newest first; the newest of all are not found yet. */
  search(call: Call, name: string, value: string): Reply<Intent[]> {
    return this.read(call, () =>
      this.books.intentsWith(name, value, this.now() - this.player.script.searchLagMs),
    );
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
      delayMs: fault?.isSlow ? this.player.script.slowMs : 0,
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

  private nameOfKeyless(): string {
    this.keylessCount += 1;
    return `without-key-${this.keylessCount}`;
  }
}

/** Authorizing and capturing in one step fails as a whole when the capture would. */
function bankOnCapture({ captureMethod, paymentMethod }: NewIntent): BankAnswer | undefined {
  return captureMethod === 'automatic' ? methodBehaviour(paymentMethod ?? '')?.capture?.bank : undefined;
}

function verdictOf(bank: BankAnswer | undefined): Verdict {
  if (typeof bank === 'object') return bank.decline;
  return bank === 'action_required' ? 'action_required' : 'approved';
}

function serverError(): GatewayRefusal {
  return new GatewayRefusal({
    status: 500,
    type: 'api_error',
    message: 'An error occurred on our side, as it was told to.',
  });
}

function rateLimited(): GatewayRefusal {
  return new GatewayRefusal({
    status: 429,
    type: 'invalid_request_error',
    code: 'rate_limit',
    message: 'Request rate limit exceeded, as it was told to be.',
  });
}
