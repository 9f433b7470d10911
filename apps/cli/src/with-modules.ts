import { type INestApplicationContext, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DomainError } from '#kernel';
import { closeApplication, ProcessError, reachDatabase } from '#platform/process';
import { generateAppSecret, generateSigningKeys } from '#platform/security';
import { PlatformModule } from '../../api/src/index.js';
import { settingsWithDatabase } from './cli-settings.js';

/** A part of the house, for one command. */
@Module({})
class ToolModule {}

/**
 * Runs `action` with a part of the house, on the database that the settings name. Nothing can be signed or sealed with
 * it that others understand: its secrets are its own.
 *
 * @throws ConfigurationError; ProcessError when the database is not reached, or a use case has refused
 */
export async function withModules<T>(
  modules: readonly Type[],
  action: (app: INestApplicationContext) => Promise<T>,
): Promise<T> {
  const secrets = { APP_SECRET: generateAppSecret(), SIGNING_KEYS: await generateSigningKeys() };
  const settings = { ...(await settingsWithDatabase()), ...secrets };
  return reachDatabase(settings.DATABASE_URL, async () => {
    const imports = [PlatformModule.forRoot(settings, 'steelyard-cli'), ...modules];
    const app = await NestFactory.createApplicationContext(
      { module: ToolModule, imports },
      { logger: false, abortOnError: false },
    );
    try {
      return await action(app);
    } catch (error) {
      throw error instanceof DomainError ? new ProcessError(`${error.message}.`, { cause: error }) : error;
    } finally {
      await closeApplication(app);
    }
  });
}
