import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Command } from 'commander';
import type { Settings } from '#platform/config';
import { closeApplication, ProcessError, reachDatabase } from '#platform/process';
import { generateAppSecret, generateSigningKeys } from '#platform/security';
import { type RebuildProgress, RebuildSales, SalesModule } from '#sales';
import { PlatformModule } from '../../../api/src/index.js';
import { settingsWithDatabase } from '../cli-settings.js';

/** Events between two lines about the progress. */
const EVENTS_PER_LINE = 10_000;

/** The part of the house that counts sales. */
@Module({})
class SalesToolModule {
  static forRoot(settings: Settings): DynamicModule {
    return {
      module: SalesToolModule,
      imports: [PlatformModule.forRoot(settings, 'steelyard-cli'), SalesModule],
    };
  }
}

/** `sales rebuild`: counts the daily sales anew while everything goes on. */
export function salesCommand(): Command {
  const command = new Command('sales').description('looks after the sales figures');
  command
    .command('rebuild')
    .description(
      'counts the daily sales anew from the events that are kept, while they go on being counted; what is older stays',
    )
    .action(async () => {
      // Nothing is signed or sealed here, so any secrets do.
      const secrets = { APP_SECRET: generateAppSecret(), SIGNING_KEYS: await generateSigningKeys() };
      const settings = { ...(await settingsWithDatabase()), ...secrets };
      return reachDatabase(settings.DATABASE_URL, () => rebuild(settings));
    });
  return command;
}

async function rebuild(settings: Settings): Promise<void> {
  const app: INestApplicationContext = await NestFactory.createApplicationContext(
    SalesToolModule.forRoot(settings),
    { logger: false, abortOnError: false },
  );
  try {
    let lines = 0;
    const result = await app.get(RebuildSales).execute((progress) => {
      if (progress.replayed < (lines + 1) * EVENTS_PER_LINE) return;
      lines = Math.floor(progress.replayed / EVENTS_PER_LINE);
      tell(progress);
    });
    tell(result);
    console.log('The sales figures are those of the events now.');
    if (result.unreadable.length > 0) {
      const advice = 'But for these events, which cannot be read and count as they did before:';
      throw new ProcessError([advice, ...result.unreadable].join('\n  '));
    }
  } finally {
    await closeApplication(app);
  }
}

function tell({ replayed, kept }: Pick<RebuildProgress, 'replayed' | 'kept'>): void {
  console.log(`${replayed} events counted anew, ${kept} older ones kept as they were`);
}
