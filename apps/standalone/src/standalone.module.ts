import { type DynamicModule, Module } from '@nestjs/common';
import { type Settings } from '#platform/config';
import { ApiModule } from '../../api/src/index.js';
import { JobsModule } from '../../worker/src/index.js';

/** API and worker in one process, on one pool of connections. */
@Module({})
export class StandaloneModule {
  static forRoot(settings: Settings): DynamicModule {
    return { module: StandaloneModule, imports: [ApiModule.forRoot(settings, 'steelyard'), JobsModule] };
  }
}
