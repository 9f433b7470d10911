export { CallNotMade, CallPolicy, type CallPolicyOptions } from './call-policy.js';
