export { CallNotMade, CallPolicy } from './call-policy.js';
