import { BEHAVIOUR_NAMES } from '#simulated-gateway';

/** What a flow asks the gateway for; the behaviours of its cells are behaviours of that. */
export type GatewayStep = 'authorize' | 'capture' | 'void' | 'refund';

/** Everything the gateway can do wrong, in the words of the simulator, and nothing at all. */
export const BEHAVIOURS = ['plain', ...BEHAVIOUR_NAMES] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

/** What only happens to some steps: a bank asks to see the shopper when it authorizes, and changes its mind later. */
const ONLY_FOR: Partial<Record<Behaviour, GatewayStep>> = {
  action_required: 'authorize',
  disputed: 'capture',
  pending: 'refund',
  fails_later: 'refund',
};

export function behavioursOf(step: GatewayStep): Behaviour[] {
  return BEHAVIOURS.filter((behaviour) => (ONLY_FOR[behaviour] ?? step) === step);
}

/** The payment method that makes the gateway behave so at this step. */
export function methodFor(step: GatewayStep, behaviour: Behaviour): string {
  if (behaviour === 'plain') return 'pm_card_visa';
  return step === 'authorize' ? `pm_sim_${behaviour}` : `pm_sim_${step}_${behaviour}`;
}

/** The gateway keeps an error under the key: what came of it is only certain once the ladder has ruled it out. */
export function needsLadder(behaviour: Behaviour): boolean {
  return behaviour === 'error_500_kept_before_effect';
}

/** Whether the money never moves: the bank says no, or the gateway never does anything. */
export function isRefused(behaviour: Behaviour): boolean {
  return behaviour === 'fails' || behaviour === 'action_required' || needsLadder(behaviour);
}
