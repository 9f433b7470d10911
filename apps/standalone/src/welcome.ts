import type { DemoAccounts } from '../../api/src/index.js';

/** In stock and cheap; the demo catalog has it. */
const DEMO_SKU = 'DEMO-MUG';

export interface Welcome {
  readonly version: string;
  /** Of the main port, without a slash at its end. */
  readonly url: string;
  /** Of the port for admins; undefined where there is none. */
  readonly adminUrl: string | undefined;
  /** Undefined where they are switched off. */
  readonly metricsUrl: string | undefined;
  /** Where the data are. */
  readonly database: string;
  readonly startedInMs: number;
  /** Empty without demo data. */
  readonly accounts: DemoAccounts;
  /** For the order to copy: the same key again is the same order. */
  readonly idempotencyKey: string;
}

/** What the terminal says once all is ready: where to look, who may log in, and one thing to try. */
export function welcomeText(welcome: Welcome): string {
  const { version, url, adminUrl, metricsUrl, database, startedInMs, accounts } = welcome;
  return `
Steelyard ${version} is ready after ${(startedInMs / 1000).toFixed(1)} s.

  Swagger UI   ${url}/api/docs
  API          ${url}/api/v1${adminUrl === undefined ? '' : `\n  For admins   ${adminUrl}/api/v1`}
  Metrics      ${metricsUrl ?? 'off'}
  Database     ${database}
${accounts.length > 0 ? demoText(welcome) : ''}
Ctrl-C stops it.
`;
}

function demoText({ url, accounts, idempotencyKey }: Welcome): string {
  const width = Math.max(...accounts.map(({ email }) => email.length));
  const rows = accounts.map(
    ({ email, role, password }) => `  ${email.padEnd(width)}   ${password}   ${role}`,
  );
  const order = { email: 'guest@example.com', lines: [{ sku: DEMO_SKU, quantity: 1 }] };
  const body = JSON.stringify({ ...order, payment: { method: 'pm_card_visa' } });
  return `
Log in (POST /api/v1/auth/login) as

${rows.join('\n')}

Place an order as a guest; sent twice, it is still one order:

  curl -sS ${url}/api/v1/orders \\
    -H 'Content-Type: application/json' -H 'Idempotency-Key: ${idempotencyKey}' \\
    -d '${body}'
`;
}
