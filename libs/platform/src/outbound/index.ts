export { OutboundClient, type OutboundRequest } from './outbound-client.js';
export { OutboundFailure, type OutboundFailureReason } from './outbound-failure.js';
export { OutboundModule } from './outbound.module.js';
export { ANY_TARGET, findTargetProblems } from './target-policy.js';
