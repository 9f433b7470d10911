export { auditCommand, type AuditedCommand } from './audit-command.js';
export { AuditLog } from './audit-log.js';
export { AuditModule } from './audit.module.js';
