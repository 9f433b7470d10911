import { Global, Module } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { AdminServer } from './admin-server.js';
import { ErrorCodesController } from './error-codes.controller.js';
import { EventStreams } from './event-streams/event-streams.js';
import { Paginator } from './pagination.js';
import { ProblemFilter } from './problem.filter.js';
import { SchemaValidationPipe } from './validation.pipe.js';

@Global()
@Module({
  controllers: [ErrorCodesController],
  providers: [
    AdminServer,
    EventStreams,
    Paginator,
    ProblemFilter,
    { provide: APP_FILTER, useExisting: ProblemFilter },
    { provide: APP_PIPE, useClass: SchemaValidationPipe },
  ],
  exports: [AdminServer, EventStreams, Paginator, ProblemFilter],
})
export class HttpModule {}
