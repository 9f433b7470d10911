import { Command } from 'commander';
import { reportFailure } from '#platform/process';
import { VERSION } from '../../api/src/index.js';
import { asyncapiCommand } from './commands/asyncapi.js';
import { auditLogCommand } from './commands/audit.js';
import { configCommand } from './commands/config.js';
import { deadLettersCommand } from './commands/dead-letters.js';
import { errorsCommand } from './commands/errors.js';
import { keysCommand } from './commands/keys.js';
import { migrateCommand } from './commands/migrate.js';
import { openapiCommand } from './commands/openapi.js';
import { permissionsCommand } from './commands/permissions.js';
import { replayCommand } from './commands/replay.js';
import { salesCommand } from './commands/sales.js';
import { usersCommand } from './commands/users.js';

/** `npm run steelyard -- <command>`: one file per command in commands/. */
const program = new Command('steelyard')
  .description('Runs and looks after Steelyard.')
  .version(VERSION)
  .addCommand(migrateCommand())
  .addCommand(deadLettersCommand())
  .addCommand(replayCommand())
  .addCommand(salesCommand())
  .addCommand(usersCommand())
  .addCommand(auditLogCommand())
  .addCommand(keysCommand())
  .addCommand(configCommand())
  .addCommand(openapiCommand())
  .addCommand(asyncapiCommand())
  .addCommand(errorsCommand())
  .addCommand(permissionsCommand());

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportFailure(error);
}
