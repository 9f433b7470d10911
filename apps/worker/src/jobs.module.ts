import { Module } from '@nestjs/common';
import { CatalogModule } from '#catalog';
import { OrdersModule } from '#orders';
import { PaymentsModule } from '#payments';
import { SalesModule } from '#sales';
import { UsersModule } from '#users';
import { WebhooksModule } from '#webhooks';
import { WorkerJobs } from './worker-jobs.js';

/** The jobs, for whichever process runs them; it brings the platform. */
@Module({
  imports: [CatalogModule, OrdersModule, PaymentsModule, SalesModule, UsersModule, WebhooksModule],
  providers: [WorkerJobs],
  exports: [WorkerJobs],
})
export class JobsModule {}
