export { ChangeRole } from './change-role.js';
export { currentUser } from './current-user.js';
export { DemoUsers } from './demo-users.js';
export { PruneAccounts } from './prune-accounts.js';
export { isPseudonym } from './pseudonym.js';
export type { UserSummary } from './user-summary.js';
export { usersErrors } from './users.errors.js';
export { UsersFacade } from './users.facade.js';
export { UsersModule } from './users.module.js';
