import { BEHAVIOUR_NAMES } from '../../apps/gateway-simulator/src/engine/behaviours.js';
import { TAKES_WEBHOOKS } from './failpoint-registry.js';

/** What a flow asks the gateway for; the behaviours of its cells are behaviours of that. */
export type GatewayStep = 'authorize' | 'capture' | 'void' | 'refund';

/** Everything the gateway can do wrong, in the words of the simulator, and nothing at all. */
export const BEHAVIOURS = ['plain', ...BEHAVIOUR_NAMES] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

/** What only happens to some steps: a bank asks to see the shopper when it authorizes, and changes its mind later. */
const ONLY_FOR: Partial<Record<Behaviour, GatewayStep>> = {
  action_required: 'authorize',
  pending: 'refund',
  fails_later: 'refund',
};

/** What a behaviour needs that Steelyard may not have yet; its cells are reported as not run until it does. */
const GAPS: readonly {
  readonly behaviours: readonly Behaviour[];
  readonly isClosed: boolean;
  readonly reason: string;
}[] = [
  {
    behaviours: ['error_500_kept_before_effect'],
    isClosed: TAKES_WEBHOOKS,
    reason:
      'the gateway never says what came of it: the last rungs of the ladder for unknown outcomes end it',
  },
  {
    behaviours: ['fails_later'],
    isClosed: TAKES_WEBHOOKS,
    reason: 'only a webhook tells of a refund that fails after it has succeeded',
  },
];

/** Why a behaviour cannot be asked of this version; undefined when it can. */
export function gapOf(behaviour: Behaviour): string | undefined {
  return GAPS.find(({ behaviours, isClosed }) => behaviours.includes(behaviour) && !isClosed)?.reason;
}

export function behavioursOf(step: GatewayStep): Behaviour[] {
  return BEHAVIOURS.filter((behaviour) => (ONLY_FOR[behaviour] ?? step) === step);
}

/** The payment method that makes the gateway behave so at this step. */
export function methodFor(step: GatewayStep, behaviour: Behaviour): string {
  if (behaviour === 'plain') return 'pm_card_visa';
  return step === 'authorize' ? `pm_sim_${behaviour}` : `pm_sim_${step}_${behaviour}`;
}

/** Whether the bank says no, for good. */
export function isRefused(behaviour: Behaviour): boolean {
  return behaviour === 'fails' || behaviour === 'action_required';
}
