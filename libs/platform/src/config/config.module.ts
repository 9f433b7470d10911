import { type DynamicModule, Global, Module } from '@nestjs/common';
import { type Settings } from './config.schema.js';

/** The validated settings of this process. Inject it and read `config.settings.PORT`. */
export class Config {
  constructor(readonly settings: Settings) {}

  get isProduction(): boolean {
    return this.settings.NODE_ENV === 'production';
  }

  /** The secret that signs cursors and guest tokens. The entry point made sure that there is one. */
  get appSecret(): string {
    const { APP_SECRET } = this.settings;
    if (!APP_SECRET) throw new Error('APP_SECRET is not set.');
    return APP_SECRET;
  }
}

@Global()
@Module({})
export class ConfigModule {
  static forRoot(settings: Settings): DynamicModule {
    return {
      module: ConfigModule,
      providers: [{ provide: Config, useValue: new Config(settings) }],
      exports: [Config],
    };
  }
}
