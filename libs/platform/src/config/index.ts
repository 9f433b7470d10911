export { Config } from './config.js';
export { ConfigModule } from './config.module.js';
export { ConfigReload, type SettingsSource } from './config-reload.js';
export type { Settings, StepUp } from './config.schema.js';
export { describeSettings, type SettingDescription } from './describe-settings.js';
export {
  ConfigurationError,
  EXIT_CONFIGURATION,
  loadSettings,
  readEnvironment,
  SERVER_SETTINGS,
  settingsFiles,
} from './load-config.js';
export { isLoopback, isSafeUrl, splitList } from './setting-values.js';
export { parseSigningKeys, type SigningKey } from './signing-keys.js';
