export { backoffMs } from './backoff.js';
export { CallNotMade, CallPolicy } from './call-policy.js';
export { within } from './within.js';
