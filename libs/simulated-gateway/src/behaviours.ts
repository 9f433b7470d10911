import type { Decline } from './records.js';

/** What a request is about. `find` is every request that only reads. */
export const STEPS = ['authorize', 'capture', 'void', 'refund', 'find'] as const;
export type Step = (typeof STEPS)[number];

/** What goes wrong with a request, apart from what the bank says. */
export interface Fault {
  /** Whether the request is carried out all the same. */
  readonly hasEffect: boolean;
  /** `hangs`: the answer never comes. `reset`: the connection breaks instead. */
  readonly ending: 'answered' | 'hangs' | 'reset';
  /** HTTP status of what is answered in place of what the request came to. */
  readonly answers?: 429 | 500;
  /** That answer is kept under the key, and is all that later requests of the key get. */
  readonly isKept?: true;
  /** The answer takes its time, and the key is in use until it is there. */
  readonly isSlow?: true;
}

/** What becomes of the webhooks of a request. */
export type WebhookFault = 'duplicate' | 'before_response' | 'out_of_order' | 'lost';

/** What the bank says, where it does not simply agree. */
export type BankAnswer =
  { readonly decline: Decline } | 'action_required' | 'refund_pending' | 'refund_fails_later' | 'dispute';

export interface Behaviour {
  readonly fault?: Fault;
  readonly webhooks?: WebhookFault;
  readonly bank?: BankAnswer;
}

const GENERIC_DECLINE = declined('generic_decline');

/** Every way to misbehave, by the name that asks for it. docs/gateway-simulator.md says what each is like. */
export const BEHAVIOURS = {
  timeout_before_effect: { fault: { hasEffect: false, ending: 'hangs' } },
  timeout_after_effect: { fault: { hasEffect: true, ending: 'hangs' } },
  error_500_before_effect: { fault: { hasEffect: false, ending: 'answered', answers: 500 } },
  error_500_after_effect: { fault: { hasEffect: true, ending: 'answered', answers: 500 } },
  error_500_kept_before_effect: {
    fault: { hasEffect: false, ending: 'answered', answers: 500, isKept: true },
  },
  error_500_kept_after_effect: { fault: { hasEffect: true, ending: 'answered', answers: 500, isKept: true } },
  reset_before_effect: { fault: { hasEffect: false, ending: 'reset' } },
  reset_after_effect: { fault: { hasEffect: true, ending: 'reset' } },
  rate_limited: { fault: { hasEffect: false, ending: 'answered', answers: 429 } },
  slow: { fault: { hasEffect: true, ending: 'answered', isSlow: true } },
  webhook_duplicate: { webhooks: 'duplicate' },
  webhook_before_response: { webhooks: 'before_response' },
  webhook_out_of_order: { webhooks: 'out_of_order' },
  webhook_lost: { webhooks: 'lost' },
  fails: { bank: { decline: GENERIC_DECLINE } },
  action_required: { bank: 'action_required' },
  pending: { bank: 'refund_pending' },
  fails_later: { bank: 'refund_fails_later' },
  disputed: { bank: 'dispute' },
} as const satisfies Record<string, Behaviour>;

export type BehaviourName = keyof typeof BEHAVIOURS;

export const BEHAVIOUR_NAMES = Object.keys(BEHAVIOURS) as [BehaviourName, ...BehaviourName[]];

/** What a payment method does to each step of its payment. */
type Method = Partial<Record<Step, Behaviour>>;

/** Stripe's own test methods, with what Stripe documents for them. */
const CARDS: Readonly<Record<string, Method>> = {
  pm_card_visa: {},
  pm_card_mastercard: {},
  pm_card_amex: {},
  pm_card_credit_disableEnterpriseCardFeatures: {},
  pm_card_chargeDeclined: { authorize: { bank: { decline: GENERIC_DECLINE } } },
  pm_card_chargeDeclinedInsufficientFunds: {
    authorize: { bank: { decline: declined('insufficient_funds') } },
  },
  pm_card_chargeDeclinedExpiredCard: { authorize: { bank: { decline: declined('expired_card') } } },
  pm_card_chargeDeclinedProcessingError: { authorize: { bank: { decline: declined('processing_error') } } },
  pm_card_authenticationRequired: { authorize: BEHAVIOURS.action_required },
  pm_card_pendingRefund: { refund: BEHAVIOURS.pending },
  pm_card_refundFail: { refund: BEHAVIOURS.fails_later },
  pm_card_createDispute: { capture: BEHAVIOURS.disputed },
};

/** Cards of which no more than one capture is possible. */
const SINGLE_CAPTURE_METHODS = new Set(['pm_card_credit_disableEnterpriseCardFeatures']);

const SIMULATOR_METHOD = /^pm_sim_(?:(?<step>capture|void|refund)_)?(?<name>\w+)$/;

/** Short for what `pm_sim_error_500_before_effect` does. */
const SHORT_NAMES: Readonly<Record<string, BehaviourName>> = { error_500: 'error_500_before_effect' };

/**
 * What a payment method does: one of Stripe's own, `pm_sim_<behaviour>` for the authorization, or
 * `pm_sim_<capture|void|refund>_<behaviour>` for a later step. Webhook behaviours hold for every step. Undefined:
 * there is no such method.
 */
export function methodBehaviour(method: string): Method | undefined {
  if (Object.hasOwn(CARDS, method)) return CARDS[method];
  const { step = 'authorize', name = '' } = SIMULATOR_METHOD.exec(method)?.groups ?? {};
  const behaviour = behaviourNamed(SHORT_NAMES[name] ?? name);
  if (!behaviour) return undefined;
  if (behaviour.webhooks === undefined) return { [step]: behaviour };
  return Object.fromEntries(STEPS.map((each) => [each, behaviour]));
}

/** Whether more than one capture is possible with `method`. */
export function allowsMulticapture(method: string): boolean {
  return !SINGLE_CAPTURE_METHODS.has(method);
}

/** Undefined when there is none of that name. */
export function behaviourNamed(name: string): Behaviour | undefined {
  return isBehaviourName(name) ? BEHAVIOURS[name] : undefined;
}

function isBehaviourName(name: string): name is BehaviourName {
  return Object.hasOwn(BEHAVIOURS, name);
}

/** Stripe tells some reasons by `code`, and all others by `decline_code` with the code `card_declined`. */
function declined(reason: string): Decline {
  const isCode = reason === 'expired_card' || reason === 'processing_error';
  return {
    code: isCode ? reason : 'card_declined',
    declineCode: reason,
    message: `Your card was declined (${reason}).`,
  };
}
