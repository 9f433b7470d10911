export { currentUser } from './current-user.js';
export { DemoUsers } from './demo-users.js';
export { PruneAccounts } from './prune-accounts.js';
export { userErased } from './users.events.js';
export { usersErrors } from './users.errors.js';
export { UsersFacade } from './users.facade.js';
export { UsersModule } from './users.module.js';
