export { withDataSource } from './data-source.js';
export { Database, isCheckViolation, isUniqueViolation } from './database.js';
export { DatabaseModule } from './database.module.js';
export { migrateDown, migrateUp, pendingMigrations, type MigrationClass } from './migrations.js';
export { Notifications } from './notifications.js';
export { driverErrorOf } from './driver-error.js';
export { statement, type Statement } from './statement.js';
export { isUnavailable, isUnreachable } from './unavailable.js';
