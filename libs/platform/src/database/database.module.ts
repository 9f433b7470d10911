import { type DynamicModule, Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { DataSourceOptions } from 'typeorm';
import { Config } from '../config/index.js';
import { dataSourceOptions } from './data-source.js';
import { Database } from './database.js';
import { Notifications } from './notifications.js';

@Global()
@Module({})
export class DatabaseModule {
  static forRoot(): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRootAsync({
          inject: [Config],
          useFactory: ({
            settings,
          }: Config): DataSourceOptions & { autoLoadEntities: boolean; retryAttempts: number } => ({
            ...dataSourceOptions({
              url: settings.DATABASE_URL ?? '',
              poolMax: settings.DATABASE_POOL_MAX,
              statementTimeoutMs: settings.DATABASE_STATEMENT_TIMEOUT_MS,
            }),
            autoLoadEntities: true,
            retryAttempts: 0,
          }),
        }),
      ],
      providers: [Database, Notifications],
      exports: [Database, Notifications],
    };
  }
}
