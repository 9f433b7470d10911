export { closeApplication } from './close-application.js';
export { followConfiguration } from './follow-configuration.js';
export { listenOn, requireFreePorts } from './listen.js';
export { ProcessError } from './process-error.js';
export { reachDatabase } from './reach-database.js';
export { type ProcessLife, reportFailure, runProcess } from './run-process.js';
