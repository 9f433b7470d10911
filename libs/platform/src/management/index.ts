export { ManagementModule } from './management.module.js';
export { ManagementServer } from './management-server.js';
