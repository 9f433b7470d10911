import { type DynamicModule, Module } from '@nestjs/common';
import { CatalogModule } from '#catalog';
import { OrdersModule } from '#orders';
import { PaymentsModule } from '#payments';
import { type Settings } from '#platform/config';
import { SalesModule } from '#sales';
import { UsersModule } from '#users';
import { WebhooksModule } from '#webhooks';
import { PlatformModule } from './platform.module.js';

/** The features that answer requests. */
@Module({})
export class ApiModule {
  static forRoot(settings: Settings, service = 'steelyard-api'): DynamicModule {
    return {
      module: ApiModule,
      imports: [
        PlatformModule.forRoot(settings, service),
        CatalogModule,
        UsersModule,
        PaymentsModule,
        OrdersModule,
        SalesModule,
        WebhooksModule,
      ],
    };
  }
}
