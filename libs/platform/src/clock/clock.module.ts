import { Global, Module } from '@nestjs/common';
import { Clock, SystemClock } from '#kernel';

/** Provides the clock; a test overrides it. */
@Global()
@Module({ providers: [{ provide: Clock, useClass: SystemClock }], exports: [Clock] })
export class ClockModule {}
