import { isDeepStrictEqual } from 'node:util';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Config } from './config.js';
import { type SettingName, type Settings } from './config.schema.js';
import { describeSettings } from './describe-settings.js';
import { ConfigurationError } from './load-config.js';
import { watchFiles } from './watch-files.js';

/** Where a process has its settings from. */
export interface SettingsSource {
  /** @throws ConfigurationError */
  readonly load: () => Settings;
  /** The files that `load` reads. */
  readonly files: readonly string[];
}

/**
 * What came of settings that were read again: all that has changed holds; some of it needs a restart; or it is not
 * valid, and nothing of it holds.
 */
export type ReloadResult = 'applied' | 'needs_restart' | 'invalid';

const SETTINGS = describeSettings();

/**
 * Reads the settings again while the process runs, and puts those that are hot in the place of the old ones. They are
 * validated as a whole: what is not valid changes nothing, and the last valid ones go on holding.
 */
@Injectable()
export class ConfigReload implements OnApplicationShutdown {
  private source: SettingsSource | undefined;
  private unwatch: (() => void) | undefined;
  private readonly listeners: ((result: ReloadResult) => void)[] = [];

  constructor(
    private readonly config: Config,
    private readonly logger: PinoLogger,
  ) {
    logger.setContext(ConfigReload.name);
  }

  /** Has `listener` told what came of settings that have changed. */
  onReload(listener: (result: ReloadResult) => void): void {
    this.listeners.push(listener);
  }

  /** Watches the files of `source`, which this process has its settings from, until the application is closed. */
  follow(source: SettingsSource): void {
    this.source = source;
    this.unwatch = watchFiles(source.files, {
      onChange: () => this.reload(),
      onError: (directory, error) =>
        this.logger.warn({ directory, err: error }, 'Not watched: settings are read again at SIGHUP only'),
    });
    // They may have changed while the process was starting.
    this.reload();
  }

  /** Reads the settings again now. Nothing is told when nothing has changed. */
  reload(): void {
    if (!this.source) return;
    let next: Settings;
    try {
      next = this.source.load();
    } catch (error) {
      const problems = error instanceof ConfigurationError ? error.problems : [String(error)];
      this.logger.error({ problems }, 'The configuration is not valid: the last valid one goes on');
      this.tell('invalid');
      return;
    }
    const { settings } = this.config;
    const changed = SETTINGS.filter(({ name }) => !isDeepStrictEqual(next[name], settings[name]));
    const hot = changed.filter(({ isHot }) => isHot);
    const cold = changed.filter(({ isHot }) => !isHot);
    if (hot.length > 0) {
      const values = Object.fromEntries(hot.map(({ name }) => [name, next[name]]));
      this.config.replace(Object.freeze({ ...settings, ...values }));
      const shown = hot.map(({ name, isSecret }) => [name, isSecret ? '[redacted]' : next[name]]);
      this.logger.info({ settings: Object.fromEntries(shown) as object }, 'The configuration has changed');
    }
    if (cold.length > 0) {
      const names: SettingName[] = cold.map(({ name }) => name);
      this.logger.warn({ settings: names }, 'Settings have changed, which needs a restart');
    }
    if (changed.length > 0) this.tell(cold.length > 0 ? 'needs_restart' : 'applied');
  }

  onApplicationShutdown(): void {
    this.unwatch?.();
  }

  private tell(result: ReloadResult): void {
    for (const listener of this.listeners) listener(result);
  }
}
