import { Command, InvalidArgumentError, Option } from 'commander';
import { replayFile } from '../replay/replay-file.js';
import { TerminalProgress } from '../replay/run/progress.js';
import { MAX_CONCURRENCY } from '../replay/run/replay-context.js';

/** The demo accounts have this password; see the README. */
const DEMO_PASSWORD = 'steelyard-demo';

interface ReplayOptions {
  readonly url: string;
  readonly concurrency: number;
  readonly staffEmail: string;
  readonly staffPassword: string;
  readonly adminEmail: string;
  readonly adminPassword: string;
  readonly report?: string;
  readonly json?: string;
}

/** `steelyard replay FILE`: puts real trade through the REST API and reconciles the file with the ledger. */
export function replayCommand(): Command {
  return new Command('replay')
    .description(
      'Replay a file of the Online Retail trade through the REST API, and reconcile it with the ledger',
    )
    .argument('<file>', 'trade as .csv or .csv.gz')
    .option('--url <url>', 'where the API is', parseUrl, 'http://127.0.0.1:3000')
    .option('--concurrency <count>', `buyers at once, 1 to ${MAX_CONCURRENCY}`, parseConcurrency, 8)
    .option('--staff-email <email>', 'imports products, receives stock, refunds', 'staff@example.com')
    .addOption(passwordOption('staff'))
    .option('--admin-email <email>', 'reads the ledger', 'admin@example.com')
    .addOption(passwordOption('admin'))
    .option('--report <file>', 'write the report as text, too')
    .option('--json <file>', 'write the report as JSON')
    .action(async (file: string, options: ReplayOptions) => {
      process.exitCode = await replay(file, options);
    });
}

async function replay(file: string, options: ReplayOptions): Promise<number> {
  const interruption = new AbortController();
  const interrupt = () => {
    console.error('\nStopping after the requests in flight. Interrupt again to stop at once.');
    interruption.abort();
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    return await replayFile(
      file,
      {
        url: options.url,
        concurrency: options.concurrency,
        staff: { email: options.staffEmail, password: options.staffPassword },
        admin: { email: options.adminEmail, password: options.adminPassword },
        reportPath: options.report,
        jsonPath: options.json,
      },
      {
        progress: new TerminalProgress(process.stdout),
        signal: interruption.signal,
        print: (text) => console.log(text),
        complain: (text) => console.error(text),
      },
    );
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

/** A password on the command line is seen by everybody on the machine, so the environment may have it instead. */
function passwordOption(account: 'staff' | 'admin'): Option {
  return new Option(`--${account}-password <password>`, `password of the ${account} account`)
    .env(`STEELYARD_${account.toUpperCase()}_PASSWORD`)
    .default(DEMO_PASSWORD);
}

function parseUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError('It is no http:// or https:// address.');
  }
  return text;
}

function parseConcurrency(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > MAX_CONCURRENCY) {
    throw new InvalidArgumentError(`It must be a number from 1 to ${MAX_CONCURRENCY}.`);
  }
  return count;
}
