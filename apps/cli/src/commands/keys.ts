import { Command } from 'commander';
import { generateAppSecret, generateSigningKeys } from '#platform/security';

/** `keys`: fresh secrets, as lines of an environment file. */
export function keysCommand(): Command {
  return new Command('keys')
    .description('prints a fresh APP_SECRET and fresh SIGNING_KEYS, as lines for .env')
    .action(async () => {
      console.log(`APP_SECRET=${generateAppSecret()}`);
      console.log(`SIGNING_KEYS='${await generateSigningKeys()}'`);
    });
}
