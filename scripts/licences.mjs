/**
 * Writes the bill of materials of what runs in production (CycloneDX, from package-lock.json, so of every platform)
 * to .cache/sbom.cdx.json, and fails for a package that has no licence, or none that is on the list.
 *
 *   node scripts/licences.mjs
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import satisfies from 'spdx-satisfies';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SBOM = '.cache/sbom.cdx.json';

/**
 * Licences that ask for no more than to be named, in the spelling of SPDX. Copyleft is missing on purpose: whoever
 * ships Steelyard inside a product of theirs must not have to publish that.
 */
const ALLOWED = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Python-2.0',
  'Unlicense',
];

/**
 * The text of the bill of materials. It is made of a copy that has no development dependencies, because
 * `npm sbom --omit=dev` leaves out every package that a development dependency needs as well. npm refuses to make one
 * of a tree that does not hold together.
 */
function makeSbom() {
  const directory = mkdtempSync(join(tmpdir(), 'steelyard-licences-'));
  try {
    const { name, version, dependencies } = readJson('package.json');
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ name, version, dependencies }));
    copyFileSync(join(ROOT, 'package-lock.json'), join(directory, 'package-lock.json'));
    npm(directory, 'install', '--package-lock-only', '--offline', '--ignore-scripts', '--no-audit');
    return npm(
      directory,
      'sbom',
      '--package-lock-only',
      '--sbom-format=cyclonedx',
      '--sbom-type=application',
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function npm(cwd, ...args) {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', maxBuffer: 64 * 1_024 * 1_024 });
}

function readJson(path) {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
}

/** Every package of production that the lock file names must be in the bill of materials. */
function missingFrom(components) {
  const { packages } = readJson('package-lock.json');
  const listed = new Set(components.map(({ name, version }) => `${name}@${version}`));
  return Object.entries(packages)
    .filter(([path, { dev, devOptional, peer }]) => path !== '' && !dev && !devOptional && !peer)
    .map(([path, { name, version }]) => `${name ?? path.split('node_modules/').at(-1)}@${version}`)
    .filter((each) => !listed.has(each))
    .map((each) => `${each} is missing from the bill of materials.`);
}

function problemsOf({ name, version, purl, hashes = [], licenses = [] }) {
  const what = `${name}@${version}`;
  const problems = [];
  if (!purl || hashes.length === 0) problems.push(`${what} has no package URL, or no checksum.`);
  const expressions = licenses.map(({ expression, license }) => expression ?? license.id);
  // npm takes over what SPDX knows: `SEE LICENSE IN …` is none.
  if (expressions.length === 0) problems.push(`${what} names no licence.`);
  for (const expression of expressions) {
    if (!satisfies(expression, ALLOWED))
      problems.push(`${what} has the licence ${expression}, which is not on the list.`);
  }
  return problems;
}

const text = makeSbom();
const { bomFormat, components } = JSON.parse(text);
if (bomFormat !== 'CycloneDX' || components.length === 0) throw new Error('This is no bill of materials.');
mkdirSync(join(ROOT, dirname(SBOM)), { recursive: true });
writeFileSync(join(ROOT, SBOM), text);
const problems = [...missingFrom(components), ...components.flatMap(problemsOf)];
for (const problem of problems) console.error(problem);
console.log(`${components.length} packages in ${SBOM}, ${problems.length} problems.`);
if (problems.length > 0) process.exitCode = 1;
