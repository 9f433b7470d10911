/**
 * Fails for known vulnerabilities of the packages: from `high` on for what runs in production, `critical` for what
 * only builds and tests. Lesser ones are listed. What we live with stands in audit-exceptions.mjs.
 *
 *   node scripts/audit.mjs
 *
 * Exit code 75 (EX_TEMPFAIL), with the reason in the last line, when the registry does not answer: nothing is known
 * then. An exception that is not valid, or not any more, fails in any case.
 */
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AUDIT_EXCEPTIONS } from './audit-exceptions.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const EXIT_NOT_KNOWN = 75;
const AUDIT_TIMEOUT_MS = 60_000;
const SEVERITIES = ['info', 'low', 'moderate', 'high', 'critical'];
const FAILS_IN_PRODUCTION = 'high';
const FAILS_IN_DEVELOPMENT = 'critical';

/** What `npm audit` found, by advisory and package. Throws what is to be said when it was not answered. */
function audit(...options) {
  const { stdout, error } = spawnSync('npm', ['audit', '--json', ...options], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: AUDIT_TIMEOUT_MS,
    maxBuffer: 64 * 1_024 * 1_024,
  });
  const report = parse(stdout);
  if (report?.vulnerabilities === undefined) {
    const status = report?.statusCode === undefined ? '' : ` (it answers ${report.statusCode})`;
    throw new Error(`the registry tells npm audit nothing about vulnerabilities${status}`, { cause: error });
  }
  const advisories = Object.values(report.vulnerabilities)
    .flatMap(({ via }) => via)
    .filter((via) => typeof via === 'object')
    .map(({ url, name, severity, title, range }) => ({
      id: url.split('/').at(-1),
      name,
      severity,
      title,
      range,
    }));
  return new Map(advisories.map((advisory) => [`${advisory.id} ${advisory.name}`, advisory]));
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What is wrong with the exceptions themselves. */
function problemsOf(exceptions, today) {
  return exceptions.flatMap(({ advisory, package: name, reason, expires }) => {
    const what = `The exception ${advisory} for ${name}`;
    if (!advisory || !name || !reason?.trim()) return [`${what} needs an advisory, a package and a reason.`];
    if (!/^\d{4}-\d{2}-\d{2}$/.test(expires)) return [`${what} needs a day on which it expires.`];
    return expires <= today ? [`${what} has expired on ${expires}.`] : [];
  });
}

const isAtLeast = (severity, least) => SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
const lineOf = ({ severity, id, name, range, title }) => `${severity} ${id} ${name} ${range}: ${title}`;

function main(exceptions) {
  const problems = problemsOf(exceptions, new Date().toISOString().slice(0, 10));
  if (problems.length > 0) {
    for (const problem of problems) console.error(problem);
    return 1;
  }
  const excepted = new Set(exceptions.map(({ advisory, package: name }) => `${advisory} ${name}`));
  let all, production;
  try {
    all = audit();
    production = audit('--omit=dev');
  } catch (error) {
    console.error(error.message);
    return EXIT_NOT_KNOWN;
  }
  let failing = 0;
  for (const [key, advisory] of all) {
    const isProduction = production.has(key);
    const least = isProduction ? FAILS_IN_PRODUCTION : FAILS_IN_DEVELOPMENT;
    const fails = isAtLeast(advisory.severity, least) && !excepted.has(key);
    failing += Number(fails);
    console.log(
      `${fails ? 'fails' : 'known'}, ${isProduction ? 'production' : 'development'}: ${lineOf(advisory)}`,
    );
  }
  for (const key of excepted) if (!all.has(key)) console.log(`The exception ${key} is not needed any more.`);
  console.log(`${all.size} known vulnerabilities, ${failing} of them fail.`);
  return failing > 0 ? 1 : 0;
}

process.exitCode = main(AUDIT_EXCEPTIONS);
