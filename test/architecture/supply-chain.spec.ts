import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type CannedServer, startCannedServer } from '../support/canned-server.js';

const ROOT = resolve(import.meta.dirname, '../..');
const SCRIPTS = ['audit.mjs', 'licences.mjs'];

interface Package {
  readonly license?: string;
  readonly dev?: boolean;
  readonly dependencies?: Record<string, string>;
}

let directory: string;
let registry: CannedServer;

beforeAll(async () => {
  registry = await startCannedServer();
});

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'steelyard-supply-chain-'));
  mkdirSync(join(directory, 'scripts'));
  for (const script of SCRIPTS) cpSync(join(ROOT, 'scripts', script), join(directory, 'scripts', script));
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  writeExceptions([]);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));
afterAll(() => registry.close());

/** A project that depends on these packages, in production or for development, as its lock file tells. */
function writeProject(packages: Record<string, Package>): void {
  const dependencies = Object.keys(packages).filter((name) => packages[name]?.dev !== true);
  const devDependencies = Object.keys(packages).filter((name) => packages[name]?.dev === true);
  const ranges = (names: string[]) => Object.fromEntries(names.map((name) => [name, '1.0.0']));
  const root = {
    name: 'a-shop',
    version: '1.0.0',
    dependencies: ranges(dependencies),
    devDependencies: ranges(devDependencies),
  };
  const locked = Object.entries(packages).map(([name, each]) => [
    `node_modules/${name}`,
    { version: '1.0.0', integrity: `sha512-${Buffer.alloc(64).toString('base64')}`, ...each },
  ]);
  const lock = { ...root, lockfileVersion: 3, packages: { '': root, ...Object.fromEntries(locked) } };
  writeFileSync(join(directory, 'package.json'), JSON.stringify(root));
  writeFileSync(join(directory, 'package-lock.json'), JSON.stringify(lock));
}

function writeExceptions(exceptions: object[]): void {
  const source = `export const AUDIT_EXCEPTIONS = ${JSON.stringify(exceptions)};`;
  writeFileSync(join(directory, 'scripts/audit-exceptions.mjs'), source);
}

async function run(script: string): Promise<{ code: number | null; lines: string[] }> {
  const child = spawn(process.execPath, [join(directory, 'scripts', script)], {
    env: { ...process.env, npm_config_registry: registry.url, npm_config_cache: join(directory, 'cache') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (child.exitCode === null) await new Promise((end) => child.once('exit', end));
  return { code: child.exitCode, lines: `${out}${error}`.trim().split('\n') };
}

describe('the gate of known vulnerabilities', () => {
  const PACKAGES = {
    'runs-well': { license: 'MIT' },
    'runs-badly': { license: 'MIT' },
    'builds-well': { license: 'MIT', dev: true },
    'builds-badly': { license: 'MIT', dev: true },
  };
  const SEVERITIES: Record<keyof typeof PACKAGES, string> = {
    'runs-well': 'moderate',
    'runs-badly': 'high',
    'builds-well': 'high',
    'builds-badly': 'critical',
  };

  const idOf = (name: string) => `GHSA-${name}`;
  const advisories = Object.fromEntries(
    Object.entries(SEVERITIES).map(([name, severity], id) => [
      name,
      [
        {
          id,
          url: `https://advisories.example/${idOf(name)}`,
          title: 'It burns',
          severity,
          vulnerable_versions: '<2.0.0',
          cwe: [],
          cvss: { score: 0, vectorString: null },
        },
      ],
    ]),
  );
  const exceptionFor = (name: string, id = idOf(name)) => ({
    advisory: id,
    package: name,
    reason: 'It is never called.',
    expires: '2999-01-01',
  });

  beforeEach(() => {
    writeProject(PACKAGES);
    registry.answers = [
      (response) => {
        if (response.req.method === 'POST') response.end(JSON.stringify(advisories));
        else response.writeHead(404).end('{}');
      },
    ];
  });

  it('fails for a high one in what runs and for a critical one in what builds, and lists the others', async () => {
    const { code, lines } = await run('audit.mjs');
    expect(code).toBe(1);
    expect(lines.toSorted()).toEqual([
      '4 known vulnerabilities, 2 of them fail.',
      'fails, development: critical GHSA-builds-badly builds-badly <2.0.0: It burns',
      'fails, production: high GHSA-runs-badly runs-badly <2.0.0: It burns',
      'known, development: high GHSA-builds-well builds-well <2.0.0: It burns',
      'known, production: moderate GHSA-runs-well runs-well <2.0.0: It burns',
    ]);
  });

  it('lets pass what we live with, by advisory and package', async () => {
    writeExceptions([exceptionFor('runs-badly'), exceptionFor('builds-badly')]);
    expect((await run('audit.mjs')).code).toBe(0);
    writeExceptions([exceptionFor('runs-badly'), exceptionFor('builds-badly', 'GHSA-other')]);
    const { code, lines } = await run('audit.mjs');
    expect(code).toBe(1);
    expect(lines).toContain('The exception GHSA-other builds-badly is not needed any more.');
  });

  it.each([
    [{ ...exceptionFor('runs-badly'), expires: '2026-01-01' }, /has expired on 2026-01-01/],
    [{ ...exceptionFor('runs-badly'), expires: 'some day' }, /needs a day/],
    [{ ...exceptionFor('runs-badly'), reason: ' ' }, /needs an advisory, a package and a reason/],
  ])('fails for an exception that does not hold, without asking: %#', async (held, message) => {
    writeExceptions([held]);
    registry.requests.length = 0;
    const { code, lines } = await run('audit.mjs');
    expect([code, lines.at(-1)]).toEqual([1, expect.stringMatching(message)]);
    expect(registry.requests).toEqual([]);
  });

  it('does not pass when the registry does not answer: it says that nothing is known', async () => {
    registry.answers = [{ status: 405 }];
    expect(await run('audit.mjs')).toEqual({
      code: 75,
      lines: ['the registry tells npm audit nothing about vulnerabilities (it answers 405)'],
    });
  });
});

describe('the gate of licences', () => {
  it('lets pass what asks for no more than to be named, and what only builds', async () => {
    writeProject({
      one: { license: 'MIT' },
      other: { license: '(Apache-2.0 OR GPL-3.0-only)' },
      builds: { license: 'GPL-3.0-only', dev: true },
    });
    expect(await run('licences.mjs')).toEqual({
      code: 0,
      lines: ['2 packages in .cache/sbom.cdx.json, 0 problems.'],
    });
  });

  it('fails for each package of another licence, or of none, shared with what builds or not', async () => {
    writeProject({
      both: { license: '(MIT AND GPL-3.0-only)' },
      builds: { license: 'MIT', dev: true, dependencies: { shared: '1.0.0' } },
      copyleft: { license: 'GPL-3.0-only' },
      shared: {},
      strange: { license: 'SEE LICENSE IN LICENSE.txt' },
    });
    const { code, lines } = await run('licences.mjs');
    expect(code).toBe(1);
    expect(lines.toSorted()).toEqual([
      '4 packages in .cache/sbom.cdx.json, 4 problems.',
      'both@1.0.0 has the licence (MIT AND GPL-3.0-only), which is not on the list.',
      'copyleft@1.0.0 has the licence GPL-3.0-only, which is not on the list.',
      'shared@1.0.0 names no licence.',
      'strange@1.0.0 names no licence.',
    ]);
  });
});
