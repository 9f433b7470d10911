export { JobsModule } from './jobs.module.js';
export { WorkerJobs } from './worker-jobs.js';
