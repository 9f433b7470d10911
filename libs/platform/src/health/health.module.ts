import { type DynamicModule, Global, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import type { MigrationClass } from '../database/index.js';
import { HealthChecks, MIGRATIONS } from './health-checks.js';
import { HealthController } from './health.controller.js';

@Global()
@Module({})
export class HealthModule {
  /** `migrations` are those that the code expects the database to have. */
  static forRoot(migrations: readonly MigrationClass[]): DynamicModule {
    return {
      module: HealthModule,
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController],
      providers: [HealthChecks, { provide: MIGRATIONS, useValue: migrations }],
      exports: [HealthChecks],
    };
  }
}
