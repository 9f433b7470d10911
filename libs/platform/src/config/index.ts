export { Config, ConfigModule } from './config.module.js';
export { type Settings, type StepUp } from './config.schema.js';
export { describeSettings, type SettingDescription } from './describe-settings.js';
export {
  ConfigurationError,
  EXIT_CONFIGURATION,
  loadSettings,
  readEnvironment,
  SERVER_SETTINGS,
} from './load-config.js';
