import { Argument, Command } from 'commander';
import { loadSettings, readEnvironment } from '#platform/config';
import { generateAppSecret, generateSigningKeys } from '#platform/security';
import {
  ROTATED_SETTINGS,
  type RotatedSetting,
  rotateSecret,
  ROTATION_STEPS,
  type RotationStep,
} from '../rotate-secret.js';

/** `keys [rotate]`: fresh secrets, and the steps from old ones to fresh ones, as lines of an environment file. */
export function keysCommand(): Command {
  const command = new Command('keys')
    .description('prints a fresh APP_SECRET and fresh SIGNING_KEYS, as lines for .env')
    .action(async () => {
      console.log(line('APP_SECRET', generateAppSecret()));
      console.log(line('SIGNING_KEYS', await generateSigningKeys()));
    });
  command
    .command('rotate')
    .description(
      'prints what a setting is to be in the next step of its rotation: `add` a fresh value that is good and does not ' +
        'sign, `promote` it to sign, `drop` the old ones',
    )
    .addArgument(new Argument('<setting>').choices(ROTATED_SETTINGS))
    .addArgument(new Argument('<step>').choices(ROTATION_STEPS))
    .action(async (setting: RotatedSetting, step: RotationStep) => {
      const settings = loadSettings(readEnvironment(), { required: [setting] });
      console.log(line(setting, await rotateSecret(setting, settings[setting], step)));
    });
  return command;
}

function line(setting: RotatedSetting, value: string): string {
  return setting === 'SIGNING_KEYS' ? `${setting}='${value}'` : `${setting}=${value}`;
}
