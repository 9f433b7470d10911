export { type PollingJob, PollingLoop } from './polling-loop.js';
export { settleAll } from './settle-all.js';
