import { type DynamicModule, Module } from '@nestjs/common';
import { type Settings } from '#platform/config';
import { PlatformModule } from '../../api/src/index.js';
import { JobsModule } from './jobs.module.js';

/** The worker: the jobs, and the features that they belong to. */
@Module({})
export class WorkerModule {
  static forRoot(settings: Settings): DynamicModule {
    return {
      module: WorkerModule,
      imports: [PlatformModule.forRoot(settings, 'steelyard-worker'), JobsModule],
    };
  }
}
