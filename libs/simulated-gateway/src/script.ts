import { createHash } from 'node:crypto';
import {
  type Behaviour,
  behaviourNamed,
  type BehaviourName,
  BEHAVIOURS,
  methodBehaviour,
  type Step,
} from './behaviours.js';

/** The next requests that fit misbehave so; the first rule that fits decides. */
export interface Rule {
  /** Absent: any step. */
  readonly step?: Step | undefined;
  /** Absent: any payment method. */
  readonly method?: string | undefined;
  /** Absent: any idempotency key. */
  readonly key?: string | undefined;
  readonly behaviour: BehaviourName;
  /** How often; absent: until the next script. */
  readonly times?: number | undefined;
}

/** How the simulator misbehaves beyond what payment methods say. */
export interface Script {
  /** Decides, with key, step and attempt, what chance does: independent of the order in which requests come. */
  readonly seed: number;
  readonly rules: readonly Rule[];
  /** For each behaviour how probable it is; at most 1 together. */
  readonly chances: Readonly<Partial<Record<BehaviourName, number>>>;
  /** How long `slow` takes. */
  readonly slowMs: number;
  /** How long a refund that is settled later takes. */
  readonly settleMs: number;
  /** How far webhooks that come out of order fall behind. */
  readonly outOfOrderMs: number;
  /** How long the search does not find what is new. */
  readonly searchLagMs: number;
  /** How long an authorization says that it can be captured; Stripe: seven days for most cards. */
  readonly authorizationMs: number;
  /** How long a key is remembered; Stripe: at least a day. */
  readonly keyRetentionMs: number;
}

export const DEFAULT_SCRIPT: Script = {
  seed: 1,
  rules: [],
  chances: {},
  slowMs: 3_000,
  settleMs: 500,
  outOfOrderMs: 1_000,
  searchLagMs: 0,
  authorizationMs: 7 * 86_400_000,
  keyRetentionMs: 86_400_000,
};

/** A request, as far as it decides how it is treated. */
export interface Occasion {
  readonly step: Step;
  readonly key: string;
  readonly method: string | null;
  /** Name of a behaviour that the request itself asks for. */
  readonly asked?: string | undefined;
}

/**
 * Decides how each request is treated: as it asks for itself, by the first rule that fits, by its payment method, by
 * chance; in that order. What goes wrong because of the method goes wrong on the first try of a key. What the bank says
 * because of it is the same on every try, and so is what is kept under the key, and how long it takes.
 */
export class ScriptPlayer {
  private readonly attempts = new Map<string, number>();
  private current = DEFAULT_SCRIPT;
  private timesLeft: number[] = [];

  /** @param mostKeys how many steps of keys it counts the tries of; the oldest are forgotten */
  constructor(private readonly mostKeys = Infinity) {}

  get script(): Script {
    return this.current;
  }

  /** Plays `script` from now on. Which tries of a key were the first stays known. */
  follow(script: Script): void {
    this.current = script;
    this.timesLeft = script.rules.map(({ times }) => times ?? Infinity);
  }

  behaviourFor(occasion: Occasion): Behaviour {
    const attempt = this.countAttempt(occasion);
    const ofMethod = methodBehaviour(occasion.method ?? '')?.[occasion.step] ?? {};
    const ofBank: Behaviour = ofMethod.bank ? { bank: ofMethod.bank } : {};
    const asked = behaviourNamed(occasion.asked ?? '') ?? this.byRule(occasion);
    if (asked) return { ...ofBank, ...asked };
    const isPlain = Object.keys(ofMethod).length === 0;
    if (isPlain) return this.byChance(occasion, attempt);
    const { isKept = false, isSlow = false } = ofMethod.fault ?? {};
    return attempt === 1 || isKept || isSlow ? ofMethod : ofBank;
  }

  /** How often a step was tried with a key, as far as it remembers. */
  attemptsOf(step: Step, key: string): number {
    return this.attempts.get(`${step} ${key}`) ?? 0;
  }

  private countAttempt({ step, key }: Occasion): number {
    const attempt = this.attemptsOf(step, key) + 1;
    this.attempts.set(`${step} ${key}`, attempt);
    const [oldest] = this.attempts.keys();
    if (this.attempts.size > this.mostKeys && oldest !== undefined) this.attempts.delete(oldest);
    return attempt;
  }

  private byRule({ step, key, method }: Occasion): Behaviour | undefined {
    const index = this.script.rules.findIndex(
      (rule, at) =>
        (this.timesLeft[at] ?? 0) > 0 &&
        (rule.step ?? step) === step &&
        (rule.key ?? key) === key &&
        (rule.method ?? method) === method,
    );
    const rule = this.script.rules[index];
    if (!rule) return undefined;
    this.timesLeft[index] = (this.timesLeft[index] ?? 0) - 1;
    return BEHAVIOURS[rule.behaviour];
  }

  private byChance({ step, key }: Occasion, attempt: number): Behaviour {
    let left = drawFrom(`${this.script.seed} ${step} ${key} ${attempt}`);
    for (const [name, chance] of Object.entries(this.script.chances)) {
      if (left < chance) return behaviourNamed(name) ?? {};
      left -= chance;
    }
    return {};
  }
}

/** A number from 0 to below 1 that follows from `text` alone. */
function drawFrom(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, 6) / 2 ** 48;
}
