import type { Secrets } from '#kernel';
import type { Settings } from './config.schema.js';
import { splitList } from './setting-values.js';

type ChangeListener = (settings: Settings) => void;

/**
 * The validated settings of this process. Inject it and read `config.settings.PORT`. A few settings are hot: they
 * change while the process runs. Whoever uses one reads it from here each time, or has `onChange` tell; what is not
 * hot may be kept.
 */
export class Config {
  private current: Settings;
  private readonly listeners: ChangeListener[] = [];

  constructor(settings: Settings) {
    this.current = settings;
  }

  /** What holds now: frozen, and replaced as a whole, so that one object never shows half a change. */
  get settings(): Settings {
    return this.current;
  }

  get isProduction(): boolean {
    return this.settings.NODE_ENV === 'production';
  }

  /**
   * The secrets of which the first signs and seals; what any of them has signed or sealed is good, so that one can
   * follow another. The entry point made sure that there is one. All that they are for is listed in
   * docs/runbooks/rotate-secrets.md: whoever uses them for more adds it there.
   */
  get appSecrets(): Secrets {
    const [first, ...others] = splitList(this.settings.APP_SECRET ?? '');
    if (!first) throw new Error('APP_SECRET is not set.');
    return [first, ...others];
  }

  /** Has `listener` called with the new settings whenever hot ones have changed. It must not throw. */
  onChange(listener: ChangeListener): void {
    this.listeners.push(listener);
  }

  /** Puts valid settings in the place of those that hold, for everybody at once. */
  replace(settings: Settings): void {
    this.current = settings;
    for (const listener of this.listeners) listener(settings);
  }
}
