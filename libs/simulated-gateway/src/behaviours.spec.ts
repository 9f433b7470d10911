import {
  allowsMulticapture,
  BEHAVIOUR_NAMES,
  behaviourNamed,
  BEHAVIOURS,
  methodBehaviour,
  STEPS,
} from './behaviours.js';

const declineOf = (reason: string, code = 'card_declined') => ({
  authorize: { bank: { decline: expect.objectContaining({ code, declineCode: reason }) } },
});

describe('a payment method', () => {
  it.each([
    ['pm_card_visa', {}],
    ['pm_card_mastercard', {}],
    ['pm_card_chargeDeclined', declineOf('generic_decline')],
    ['pm_card_chargeDeclinedInsufficientFunds', declineOf('insufficient_funds')],
    ['pm_card_chargeDeclinedExpiredCard', declineOf('expired_card', 'expired_card')],
    ['pm_card_chargeDeclinedProcessingError', declineOf('processing_error', 'processing_error')],
    ['pm_card_authenticationRequired', { authorize: { bank: 'action_required' } }],
    ['pm_card_pendingRefund', { refund: { bank: 'refund_pending' } }],
    ['pm_card_refundFail', { refund: { bank: 'refund_fails_later' } }],
    ['pm_card_createDispute', { capture: { bank: 'dispute' } }],
  ])('of Stripe, %s, does what Stripe documents', (method, behaviour) => {
    expect(methodBehaviour(method)).toEqual(behaviour);
  });

  it.each([
    ['pm_sim_timeout_after_effect', { authorize: BEHAVIOURS.timeout_after_effect }],
    ['pm_sim_timeout_before_effect', { authorize: BEHAVIOURS.timeout_before_effect }],
    ['pm_sim_slow', { authorize: BEHAVIOURS.slow }],
    ['pm_sim_error_500', { authorize: BEHAVIOURS.error_500_before_effect }],
    ['pm_sim_capture_fails', { capture: BEHAVIOURS.fails }],
    ['pm_sim_refund_fails', { refund: BEHAVIOURS.fails }],
    ['pm_sim_refund_fails_later', { refund: BEHAVIOURS.fails_later }],
    ['pm_sim_void_reset_after_effect', { void: BEHAVIOURS.reset_after_effect }],
  ])('of the simulator, %s, is named for what it does, and to which step', (method, behaviour) => {
    expect(methodBehaviour(method)).toEqual(behaviour);
  });

  it.each(BEHAVIOUR_NAMES)('pm_sim_%s is there', (name) => {
    expect(methodBehaviour(`pm_sim_${name}`)).toBeDefined();
  });

  it('that loses webhooks loses those of every step', () => {
    expect(Object.keys(methodBehaviour('pm_sim_webhook_lost') ?? {})).toEqual([...STEPS]);
  });

  it.each(['', 'pm_card_unknown', 'pm_sim_', 'pm_sim_nothing', 'pm_sim_find_slow', 'toString', '__proto__'])(
    '%j is none',
    (method) => {
      expect(methodBehaviour(method)).toBeUndefined();
    },
  );
});

describe('a card', () => {
  it.each([
    ['pm_card_visa', true],
    ['pm_sim_slow', true],
    ['pm_card_credit_disableEnterpriseCardFeatures', false],
  ])('%s can be captured more than once: %s', (method, isPossible) => {
    expect(allowsMulticapture(method)).toBe(isPossible);
  });
});

describe('a behaviour', () => {
  it.each(['', 'constructor', 'SLOW'])('%j is none', (name) => {
    expect(behaviourNamed(name)).toBeUndefined();
  });
});
