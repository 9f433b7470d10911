export { DemoUsers } from './demo-users.js';
export { UsersFacade } from './users.facade.js';
export { UsersModule } from './users.module.js';
