export { ApiModule } from './api.module.js';
export { createApi } from './create-api.js';
export { type DemoAccounts, ensureDemoData } from './demo-data.js';
export { describeApi } from './describe-api.js';
export { PlatformModule } from './platform.module.js';
export { VERSION } from './version.js';
