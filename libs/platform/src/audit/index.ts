export { auditCommand, type AuditedCommand } from './audit-command.js';
export { AuditLog, type Head, type Verification } from './audit-log.js';
export { AuditModule } from './audit.module.js';
