export { allowsMulticapture, BEHAVIOUR_NAMES, type Behaviour, methodBehaviour, STEPS } from './behaviours.js';
export {
  type Call,
  type Happening,
  PaymentSimulator,
  type PlannedWebhook,
  type Reply,
} from './payment-simulator.js';
export type { Dispute, Intent, News, Refund } from './records.js';
export { GatewayRefusal, invalidRequest } from './refusal.js';
export { ScriptPlayer } from './script.js';
