import type { INestApplicationContext } from '@nestjs/common';
import { ConfigReload, type SettingsSource } from '../config/index.js';
import type { ProcessLife } from './run-process.js';

/** Has the hot settings of a process follow their files, and read again at SIGHUP, until the application is closed. */
export function followConfiguration(
  app: INestApplicationContext,
  source: SettingsSource,
  life: ProcessLife,
): void {
  const reload = app.get(ConfigReload, { strict: false });
  reload.follow(source);
  life.onHangup(() => reload.reload());
}
