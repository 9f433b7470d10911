/**
 * Makes the files that follow from the code: the documents of OpenAPI and AsyncAPI, the client's types, the tables of the
 * documentation, .env.example.
 *
 *   node scripts/contracts.mjs           writes them
 *   node scripts/contracts.mjs --check   fails when a committed one is stale, and says where it differs
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';
import { publishedVersions } from './published-versions.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const OPENAPI = 'contracts/openapi.json';
/** What it would break of the published one is refused. */
const ASYNCAPI = 'contracts/asyncapi.yaml';
const CLIENT_TYPES = 'libs/client/src/generated/openapi.ts';

/** Documents that people write and of which a section is generated. */
const DOCUMENTS_WITH_SECTIONS = [
  'docs/configuration.md',
  'docs/errors.md',
  'docs/event-types.md',
  'docs/permissions.md',
];
const GENERATED = [OPENAPI, ASYNCAPI, CLIENT_TYPES, '.env.example', ...DOCUMENTS_WITH_SECTIONS];

const COMMANDS = [['openapi'], ['asyncapi'], ['errors'], ['permissions'], ['config', 'docs']];

function run(command, root) {
  // From the sources, so that no stale build can speak for them.
  const main = ['--import', './test/support/source-hooks.mjs', 'apps/cli/src/main.ts'];
  execFileSync(process.execPath, [...main, ...command, '--root', root], { cwd: ROOT, stdio: 'pipe' });
}

async function generate(root) {
  for (const command of COMMANDS) run(command, root);
  const openapi = JSON.parse(readFileSync(join(root, OPENAPI), 'utf8'));
  // A field that has a default may be left out of a request.
  const types = astToString(await openapiTS(openapi, { defaultNonNullable: false }));
  write(root, CLIENT_TYPES, `// Made by \`npm run contracts\` from ${OPENAPI}.\n\n${types}`);
}

function write(root, path, text) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

async function check() {
  const root = mkdtempSync(join(tmpdir(), 'steelyard-contracts-'));
  try {
    for (const path of DOCUMENTS_WITH_SECTIONS) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      copyFileSync(join(ROOT, path), join(root, path));
    }
    // The file beside the code may have been changed together with it.
    const published = publishedVersions(ROOT, ASYNCAPI);
    if (published.length === 0)
      console.warn(`Not compared with what was published: git does not have ${ASYNCAPI}.`);
    for (const version of published) {
      write(root, ASYNCAPI, version);
      try {
        run(['asyncapi'], root);
      } catch (error) {
        console.error(String(error.stderr ?? error));
        process.exitCode = 1;
        return;
      }
    }
    await generate(root);
    const differences = GENERATED.map((path) => differenceOf(path, root)).filter(Boolean);
    for (const difference of differences) console.error(difference);
    if (differences.length > 0) {
      console.error('\nRun `npm run contracts`, look at what it changes, and commit it.');
      process.exitCode = 1;
    } else {
      console.log(`${GENERATED.length} generated files are fresh.`);
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Where a committed file first differs from what the code makes of it; undefined when it is fresh. */
function differenceOf(path, freshRoot) {
  if (!existsSync(join(ROOT, path))) return `${path} is missing.`;
  const [committed, fresh] = [ROOT, freshRoot].map((root) =>
    readFileSync(join(root, path), 'utf8').split('\n'),
  );
  const length = Math.max(committed.length, fresh.length);
  const line = Array.from({ length }).findIndex((_, index) => committed[index] !== fresh[index]);
  if (line === -1) return undefined;
  const shown = (text) => text ?? '(end of the file)';
  return `${path} is stale from line ${line + 1}:\n  committed  ${shown(committed[line])}\n  fresh      ${shown(fresh[line])}`;
}

if (process.argv.includes('--check')) await check();
else await generate(ROOT);
