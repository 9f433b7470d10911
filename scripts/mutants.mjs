/**
 * Takes one safeguard at a time out of a copy of the project, and expects the tests that stand for it to fail. A
 * mutant that survives means that nothing would notice if the safeguard were gone.
 *
 *   npm run mutants            all of them
 *   npm run mutants -- lease   those whose name contains a word
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const COPIED = [
  'apps',
  'libs',
  'migrations',
  'test',
  'package.json',
  'jest.config.mjs',
  'tsconfig.json',
  'contracts',
  '.swcrc',
];
const JEST = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
const TESTS_TIMEOUT_MS = 300_000;

/** Each change must stand in its file exactly once; the tests are those that fail for it. */
const MUTANTS = [
  {
    name: 'stock predicate: more is reserved than there is',
    file: 'libs/catalog/src/infrastructure/stock-statements.ts',
    change: ['WHERE NOT EXISTS (SELECT FROM locked WHERE available < quantity)', 'WHERE true'],
    tests: ['test/integration/catalog-facade.spec.ts'],
  },
  {
    name: 'refund reservation: refunds on their way do not count',
    file: 'libs/payments/src/domain/refund-book.ts',
    change: ['{ pendingRefundAmount: state.pendingRefundAmount + amount }', '{}'],
    tests: ['libs/payments/src/domain/payment.refunds.spec.ts'],
  },
  {
    name: 'inbox dedupe: an event that comes twice is applied twice',
    file: 'libs/platform/src/messaging/consumers/apply-events.ts',
    change: ['if (claimed.delete(event.id))', 'if (true)'],
    tests: ['test/integration/events.spec.ts'],
  },
  {
    name: 'inbox retention: what was applied is forgotten before it is brought for the last time',
    file: 'apps/worker/src/worker-jobs.ts',
    change: ['applyEvents.pruneInbox(2 * retentionSeconds, ', 'applyEvents.pruneInbox(1, '],
    tests: ['test/integration/worker.spec.ts'],
  },
  {
    name: 'first batch: what ended the process before is begun as if nothing had been',
    file: 'libs/platform/src/messaging/consumers/first-batches.ts',
    change: ['return noted.length === 0 && ', 'return false && '],
    tests: ['test/integration/parked-events.spec.ts'],
  },
  {
    name: 'order of the feed: relays give out positions beside each other',
    file: 'libs/platform/src/messaging/outbox.ts',
    change: ["    await this.database.lock('events', 'feed');\n", ''],
    tests: ['test/integration/events.spec.ts'],
  },
  {
    name: 'live access: a token is believed whatever became of its session, its user and their role',
    file: 'libs/platform/src/security/access.guard.ts',
    change: ['if (isCheckedLive(rule)) await this.authentication.requireLive(request);', ''],
    tests: ['test/integration/users.spec.ts'],
  },
  {
    name: 'second factor: a code is good for as long as its half minute',
    file: 'libs/users/src/second-factor/totp.ts',
    change: ['AND confirmed_at IS NOT NULL AND last_used_step < $3', 'AND confirmed_at IS NOT NULL'],
    tests: ['test/integration/users-totp.spec.ts'],
  },
  {
    name: 'outside identity: an account with a second factor is linked by its address',
    file: 'libs/users/src/external-identities/external-identities.ts',
    change: [' || hasSecondFactor) {', ') {'],
    tests: ['test/integration/external-identities.spec.ts'],
  },
  {
    name: 'inbox dedupe: a report that comes twice is applied twice',
    file: 'libs/payments/src/application/gateway-reports.ts',
    change: [
      `($1, $2, $3, $4)
   ON CONFLICT (gateway, id) DO NOTHING`,
      `($1, $2, $3, $4)
   ON CONFLICT (gateway, id) DO UPDATE SET status = 'received'`,
    ],
    tests: ['test/integration/payments-webhooks.spec.ts'],
  },
  {
    name: 'lease check: two work on one operation at once',
    file: 'libs/payments/src/infrastructure/payment-statements.ts',
    change: [
      `AND o.status IN ('created', 'sent', 'unknown')
      AND (o.leased_until IS NULL OR o.leased_until < now())`,
      `AND o.status IN ('created', 'sent', 'unknown')`,
    ],
    tests: ['test/integration/payments-lease.spec.ts'],
  },
  {
    name: 'lease check: who has lost the lease writes all the same',
    file: 'libs/payments/src/application/run-operation.ts',
    change: ['if (!(await this.payments.holdsLease(operation))) return undefined;', ''],
    tests: ['test/integration/payments-lease.spec.ts'],
  },
  {
    name: 'outbound calls: one allowed address of a name is enough',
    file: 'libs/platform/src/outbound/outbound-client.ts',
    change: ['addresses.every(', 'addresses.some('],
    tests: ['test/integration/outbound.spec.ts'],
  },
  {
    name: 'lattice: older news is applied',
    file: 'libs/payments/src/domain/operation.ts',
    change: [`if (RANKS[kind][told] <= RANKS[kind][status]) return 'old';`, ''],
    tests: ['libs/payments/src/domain/payment.reports.spec.ts'],
  },
  {
    name: 'reports: what the gateway says of captures is not heard',
    file: 'libs/payments/src/infrastructure/stripe-reports.ts',
    change: [
      '[...newsOfAuthorization(intent), ...newsOfCaptures(intent)]',
      '[...newsOfAuthorization(intent)]',
    ],
    tests: ['test/integration/payments-webhooks.spec.ts'],
  },
  {
    name: 'lattice: a dispute goes back',
    file: 'libs/payments/src/domain/dispute-book.ts',
    change: [' || !isAhead(known, told)', ''],
    tests: ['libs/payments/src/domain/payment.reports.spec.ts'],
  },
  {
    name: 'announcing: relays are not told of what was appended, and find it when they look',
    file: 'libs/platform/src/messaging/event-bus.ts',
    change: ['      this.database.afterCommit(() => this.notifications.announce(EVENTS_APPENDED));\n', ''],
    tests: ['test/integration/event-signals.spec.ts'],
  },
];

const chosen = MUTANTS.filter(({ name }) => name.includes(process.argv[2] ?? ''));
const directory = mkdtempSync(join(tmpdir(), 'steelyard-mutants-'));
let survivors = 0;
try {
  // Before anything takes its minutes.
  for (const mutant of chosen) mutated(mutant);
  for (const path of COPIED) cpSync(join(ROOT, path), join(directory, path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  if (!testsPass([...new Set(chosen.flatMap(({ tests }) => tests))])) {
    throw new Error('The tests fail already while every safeguard is in its place.');
  }
  for (const mutant of chosen) {
    const isCaught = !withMutant(mutant, () => testsPass(mutant.tests));
    survivors += isCaught ? 0 : 1;
    console.log(`${isCaught ? 'caught  ' : 'SURVIVED'} ${mutant.name}`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
console.log(`${chosen.length - survivors} of ${chosen.length} mutants caught`);
process.exitCode = survivors === 0 ? 0 : 1;

/** The file with the safeguard taken out. */
function mutated({ file, change: [from, to] }) {
  const original = readFileSync(join(ROOT, file), 'utf8');
  if (original.split(from).length !== 2) throw new Error(`${file} does not hold this exactly once: ${from}`);
  return original.replace(from, () => to);
}

function withMutant(mutant, fn) {
  const path = join(directory, mutant.file);
  const original = readFileSync(path, 'utf8');
  writeFileSync(path, mutated(mutant));
  try {
    return fn();
  } finally {
    writeFileSync(path, original);
  }
}

function testsPass(tests) {
  const run = spawnSync(process.execPath, [...JEST, ...tests], {
    cwd: directory,
    env: { ...process.env, CI: 'true' },
    timeout: TESTS_TIMEOUT_MS,
    encoding: 'utf8',
  });
  if (run.status === 0) return true;
  // A suite that does not load proves nothing.
  if (/^Tests: .*\b[1-9]\d* failed/m.test(run.stderr)) return false;
  throw new Error(`No test failed, and Jest did:\n${run.stderr.slice(-2_000)}`);
}
