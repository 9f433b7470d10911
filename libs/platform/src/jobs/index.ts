export { type PollingJob, PollingLoop } from './polling-loop.js';
