export { BEHAVIOUR_NAMES, STEPS } from './behaviours.js';
export { type Call, PaymentSimulator, type PlannedWebhook, type Reply } from './payment-simulator.js';
export type { Intent, News, Refund } from './records.js';
export { GatewayRefusal, invalidRequest } from './refusal.js';
