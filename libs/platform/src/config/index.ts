export { Config, ConfigModule } from './config.module.js';
export { isSecretSetting, settingsSchema, type Settings } from './config.schema.js';
export { ConfigurationError, EXIT_CONFIGURATION, loadSettings } from './load-config.js';
