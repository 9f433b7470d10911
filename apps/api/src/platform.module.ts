import { type DynamicModule, Module } from '@nestjs/common';
import { AuditModule } from '#platform/audit';
import { CacheModule } from '#platform/cache';
import { ClockModule } from '#platform/clock';
import { ConfigModule, type Settings } from '#platform/config';
import { DatabaseModule } from '#platform/database';
import { armFailpoints } from '#platform/failpoints';
import { HealthModule } from '#platform/health';
import { HttpModule } from '#platform/http';
import { IdempotencyModule } from '#platform/idempotency';
import { InvariantsModule } from '#platform/invariants';
import { LifecycleModule } from '#platform/lifecycle';
import { MailModule } from '#platform/mail';
import { ManagementModule } from '#platform/management';
import { MessagingModule } from '#platform/messaging';
import { OutboundModule } from '#platform/outbound';
import { RedisModule } from '#platform/redis';
import { SecurityModule } from '#platform/security';
import { LoggingModule, MetricsModule } from '#platform/telemetry';
import { migrations } from '../../../migrations/index.js';
import { VERSION } from './version.js';

/** What every process stands on, whichever features it runs. */
@Module({})
export class PlatformModule {
  static forRoot(settings: Settings, service: string): DynamicModule {
    armFailpoints(settings.FAILPOINTS);
    return {
      module: PlatformModule,
      imports: [
        ConfigModule.forRoot(settings),
        ClockModule,
        LifecycleModule,
        LoggingModule.forRoot(service, VERSION),
        DatabaseModule.forRoot(),
        MetricsModule.forRoot(),
        AuditModule,
        InvariantsModule,
        MessagingModule,
        MailModule.forRoot(settings),
        OutboundModule,
        IdempotencyModule,
        CacheModule,
        RedisModule,
        SecurityModule,
        HttpModule,
        HealthModule.forRoot(migrations),
        ManagementModule,
      ],
    };
  }
}
