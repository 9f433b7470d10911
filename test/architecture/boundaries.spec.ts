import { spawnSync } from 'node:child_process';
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
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ICruiseResult } from 'dependency-cruiser';

const ROOT = resolve(import.meta.dirname, '../..');

/** The command line of the gate: `npm run boundaries` is what is proven here. */
const GATE = (
  JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { boundaries: string } }
).scripts.boundaries.split(' ');

/** Source files by path. An empty text becomes a module that imports nothing. */
type Tree = Record<string, string>;

/** Every direction that is allowed, on a tree with the folders and the names of the real one. */
const CLEAN: Tree = {
  'libs/kernel/src/index.ts': `export * from './money.js';`,
  'libs/kernel/src/money.ts': `import { randomUUID } from 'node:crypto'; export const id = randomUUID;`,
  'libs/platform/src/http/index.ts': ``,
  'libs/platform/src/http/server.ts': `import '#kernel'; import '#platform/telemetry'; import 'typeorm';`,
  'libs/platform/src/http/context.ts': `import '../telemetry/index.js';`,
  'libs/platform/src/telemetry/index.ts': ``,
  'libs/platform/src/telemetry/inside.ts': ``,
  'libs/users/src/index.ts': ``,
  'libs/users/src/users.service.ts': `import '#kernel'; import '#platform/http'; import type {} from 'fast-check';`,
  'libs/catalog/src/index.ts': ``,
  'libs/catalog/src/domain/product.ts': ``,
  'libs/payments/src/index.ts': ``,
  'libs/payments/src/infrastructure/sandbox-gateway.ts': `import '#simulated-gateway';`,
  'libs/simulated-gateway/src/index.ts': `import './books.js';`,
  'libs/simulated-gateway/src/books.ts': `import '#kernel'; import 'node:crypto';`,
  'apps/gateway-simulator/src/index.ts': `import '#simulated-gateway'; import '#platform/http';`,
  'libs/webhooks/src/index.ts': `import '#kernel'; import '#platform/http';`,
  'test/support/test-app.ts': ``,
  'libs/client/src/index.ts': `import './schema.js'; import 'typeorm';`,
  'libs/client/src/schema.ts': ``,
  'libs/orders/src/index.ts': `export * from './orders.module.js'; export * from './orders.events.js';`,
  'libs/orders/src/orders.module.ts': `
    import './api/orders.controller.js'; import './application/place-order.js';
    import './infrastructure/order.row.js'; import '#catalog'; import '#platform/http';`,
  'libs/orders/src/orders.events.ts': ``,
  'libs/orders/src/domain/order.ts': `import '#kernel'; import './order-status.js';`,
  'libs/orders/src/domain/order-status.ts': ``,
  'libs/orders/src/domain/order.spec.ts': `import 'fast-check'; import '#payments';`,
  'libs/orders/src/application/place-order.ts': `
    import '#kernel'; import '#platform/http'; import '#catalog'; import '#payments'; import '#users';
    import '../domain/order.js'; import '../orders.events.js'; import 'typeorm';`,
  'libs/orders/src/infrastructure/order.row.ts': `
    import '#kernel'; import '#platform/http'; import '../application/place-order.js';
    import '../domain/order.js'; import '../orders.events.js'; import 'typeorm';`,
  'libs/orders/src/api/orders.controller.ts': `
    import '#kernel'; import '#platform/http'; import '../application/place-order.js'; import '../domain/order.js';`,
  'apps/api/src/index.ts': `export * from './api.module.js';`,
  'apps/api/src/api.module.ts': `import '#orders'; import '#platform/http'; import '../../../migrations/index.js';`,
  'apps/standalone/src/main.ts': `import '../../api/src/index.js'; import '#client'; import '#kernel';`,
  'migrations/index.ts': `import './1.js';`,
  'migrations/1.ts': `import 'typeorm';`,
  'dist/libs/kernel/src/index.js': ``,
  'node_modules/typeorm/index.js': ``,
  'node_modules/typeorm/package.json': `{ "name": "typeorm", "main": "index.js" }`,
  'node_modules/fast-check/index.js': ``,
  'node_modules/fast-check/package.json': `{ "name": "fast-check", "main": "index.js" }`,
};

/** One file, one forbidden import, and the exact rules that report it. */
interface Violation {
  file: string;
  imports: string;
  rules: string[];
}

const violation = (file: string, imports: string, ...rules: string[]): Violation => ({
  file,
  imports,
  rules,
});

const VIOLATIONS: Violation[] = [
  violation('libs/orders/src/domain/v1.ts', '../application/place-order.js', 'domain-is-pure'),
  violation('libs/orders/src/domain/v2.ts', '../infrastructure/order.row.js', 'domain-is-pure'),
  violation('libs/orders/src/domain/v3.ts', '../api/orders.controller.js', 'domain-is-pure'),
  violation('libs/orders/src/domain/v4.ts', '../orders.events.js', 'domain-is-pure'),
  violation('libs/orders/src/domain/v5.ts', '#platform/http', 'domain-is-pure'),
  violation('libs/orders/src/domain/v6.ts', '#catalog', 'domain-is-pure'),
  violation('libs/orders/src/domain/v7.ts', 'typeorm', 'domain-is-pure'),
  violation('libs/orders/src/domain/v8.ts', 'node:crypto', 'domain-is-pure'),

  violation('libs/orders/src/application/v1.ts', '../infrastructure/order.row.js', 'application-looks-down'),
  violation('libs/orders/src/application/v2.ts', '../api/orders.controller.js', 'application-looks-down'),
  violation('libs/orders/src/application/v3.ts', '../orders.module.js', 'application-looks-down'),

  violation('libs/orders/src/infrastructure/v1.ts', '../api/orders.controller.js', 'edges-look-inward'),
  violation('libs/orders/src/infrastructure/v2.ts', '#payments', 'edges-look-inward'),
  violation('libs/orders/src/infrastructure/v3.ts', '../orders.module.js', 'edges-look-inward'),
  violation('libs/orders/src/api/v1.ts', '../infrastructure/order.row.js', 'edges-look-inward'),
  violation('libs/orders/src/api/v2.ts', '#catalog', 'edges-look-inward'),
  violation('libs/orders/src/api/v3.ts', '../orders.module.js', 'edges-look-inward'),

  violation('libs/kernel/src/v1.ts', 'typeorm', 'kernel-stands-alone'),
  violation('libs/kernel/src/v2.ts', '#platform/http', 'kernel-stands-alone'),
  violation('libs/simulated-gateway/src/v1.ts', 'typeorm', 'simulated-gateway-stands-alone'),
  violation('libs/simulated-gateway/src/v2.ts', '#platform/http', 'simulated-gateway-stands-alone'),
  violation('libs/simulated-gateway/src/v3.ts', '#payments', 'simulated-gateway-stands-alone'),
  violation('libs/payments/src/v3.ts', '#simulated-gateway', 'simulated-gateway-is-for-gateways'),
  violation('libs/payments/src/api/v1.ts', '#simulated-gateway', 'simulated-gateway-is-for-gateways'),
  violation(
    'libs/catalog/src/infrastructure/v1.ts',
    '#simulated-gateway',
    'simulated-gateway-is-for-gateways',
  ),
  violation('libs/platform/src/http/v1.ts', '#users', 'platform-knows-kernel-only'),
  violation('libs/platform/src/http/v2.ts', '#client', 'platform-knows-kernel-only'),
  violation('libs/orders/src/v1.ts', '#client', 'orders-knows-those-below'),
  violation(
    'libs/orders/src/v2.ts',
    '../../webhooks/src/index.js',
    'orders-knows-those-below',
    'doors-are-called-by-name',
  ),
  violation('libs/payments/src/v1.ts', '#orders', 'feature-knows-no-feature'),
  violation('libs/payments/src/v2.ts', '#catalog', 'feature-knows-no-feature'),
  violation('libs/catalog/src/v1.ts', '#orders', 'feature-knows-no-feature'),
  violation('libs/catalog/src/v2.ts', '#client', 'feature-knows-no-feature'),
  violation('libs/users/src/v1.ts', '#payments', 'feature-knows-no-feature'),
  violation('libs/webhooks/src/v1.ts', '#orders', 'feature-knows-no-feature'),
  violation('libs/client/src/v1.ts', '#kernel', 'client-is-for-callers'),
  violation(
    'libs/client/src/v2.ts',
    '../../../apps/api/src/index.js',
    'client-is-for-callers',
    'libs-know-no-entry-points',
  ),
  violation('libs/orders/src/v3.ts', '../../../apps/api/src/index.js', 'libs-know-no-entry-points'),

  violation('libs/orders/src/v4.ts', '../../catalog/src/index.js', 'doors-are-called-by-name'),
  violation(
    'libs/orders/src/v5.ts',
    '../../catalog/src/domain/product.js',
    'modules-talk-through-doors',
    'doors-are-called-by-name',
  ),
  violation(
    'libs/orders/src/v6.ts',
    '../../platform/src/telemetry/inside.js',
    'modules-talk-through-doors',
    'doors-are-called-by-name',
  ),
  violation('libs/platform/src/http/v3.ts', '../telemetry/inside.js', 'concerns-talk-through-doors'),
  violation(
    'apps/api/src/v1.ts',
    '../../../libs/orders/src/application/place-order.js',
    'apps-know-doors-only',
    'doors-are-called-by-name',
  ),
  violation('apps/worker/src/v1.ts', '../../api/src/api.module.js', 'apps-know-doors-only'),

  violation('apps/worker/src/v2.ts', '../../../migrations/1.js', 'apps-know-doors-only'),
  violation('apps/worker/src/v3.ts', '../../../test/support/test-app.js', 'apps-know-doors-only'),
  violation('migrations/v1.ts', '#kernel', 'migrations-stand-alone'),

  violation('libs/users/src/v2.ts', '#orders/domain/order.js', 'no-unresolvable'),
  violation('libs/users/src/v3.ts', 'a-package-that-is-not-there', 'no-unresolvable'),
  violation('apps/api/src/v2.ts', '../../../dist/libs/kernel/src/index.js', 'no-build-output'),
  violation('libs/users/src/v4.ts', 'fast-check', 'no-dev-dependency'),
  violation('libs/users/src/v5.ts', './v5b.js', 'no-circle'),
];

/** Closes the circle of v5.ts; a circle is reported once, from its first file. */
const CLOSING_FILE: Tree = { 'libs/users/src/v5b.ts': `import type {} from './v5.js';` };

/** Two concerns that need each other through their doors, although no file needs itself. */
const CIRCLE_OF_CONCERNS: Violation[] = [
  violation('libs/platform/src/cache/v1.ts', '#platform/health', 'platform-concerns-form-no-circle'),
  violation('libs/platform/src/health/v1.ts', '#platform/cache', 'platform-concerns-form-no-circle'),
];

interface Reported {
  from: string;
  to: string;
  rule: string;
}

/** Runs the gate in `directory`. */
function cruise(directory: string): ICruiseResult {
  const [command = '', ...args] = GATE;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'node_modules/.bin', command), ...args, '--output-type', 'json'],
    { cwd: directory, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, timeout: 60_000 },
  );
  if (stderr !== '') throw new Error(stderr);
  return JSON.parse(stdout) as ICruiseResult;
}

function violationsIn({ summary }: ICruiseResult): Reported[] {
  return summary.violations.map(({ from, to, rule }) => ({ from, to, rule: rule.name }));
}

/** Cruises a temporary copy of `tree` that has the real rules and, by the real package.json, the real names. */
function cruiseTree(tree: Tree): ICruiseResult {
  const directory = mkdtempSync(join(tmpdir(), 'steelyard-boundaries-'));
  try {
    for (const file of ['package.json', '.dependency-cruiser.mjs']) {
      copyFileSync(join(ROOT, file), join(directory, file));
    }
    for (const [path, text] of Object.entries(tree)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text || 'export {};');
    }
    return cruise(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The source file that Node finds for `name`, relative to the root; or why it finds none. */
function resolveByNode(name: string): string {
  const script = `try { console.log(import.meta.resolve('${name}')) } catch (error) { console.log(error.code) }`;
  const { stdout } = spawnSync(
    process.execPath,
    ['--conditions=source', '--input-type=module', '--eval', script],
    { cwd: ROOT, encoding: 'utf8', timeout: 10_000 },
  );
  const answer = stdout.trim();
  if (!answer.startsWith('file:')) return answer;
  const path = fileURLToPath(answer);
  return existsSync(path) ? relative(ROOT, path) : 'ERR_MODULE_NOT_FOUND';
}

/** Type imports, because the weaker import must be caught as well; except where only a real one is forbidden. */
function breakWith(violations: Violation[]): Tree {
  return Object.fromEntries(
    violations.map(({ file, imports, rules }) => [
      file,
      rules.includes('no-dev-dependency') ? `import '${imports}';` : `import type {} from '${imports}';`,
    ]),
  );
}

describe('the boundary gate', () => {
  it('lets every allowed direction pass', () => {
    expect(violationsIn(cruiseTree(CLEAN))).toEqual([]);
  });

  describe('reports', () => {
    let broken: ICruiseResult;
    beforeAll(() => {
      broken = cruiseTree({ ...CLEAN, ...CLOSING_FILE, ...breakWith(VIOLATIONS) });
    });

    it.each(VIOLATIONS)('$file imports $imports: $rules', ({ file, rules }) => {
      const names = violationsIn(broken)
        .filter(({ from }) => from === file)
        .map(({ rule }) => rule);
      expect(names.sort()).toEqual([...rules].sort());
    });

    it('nothing else', () => {
      const files = new Set(VIOLATIONS.map(({ file }) => file));
      expect(violationsIn(broken).filter(({ from }) => !files.has(from))).toEqual([]);
    });

    it('by rules that are all proven by one of these rows', () => {
      const proven = [...VIOLATIONS, ...CIRCLE_OF_CONCERNS].flatMap(({ rules }) => rules);
      const declared = broken.summary.ruleSetUsed?.forbidden?.map(({ name }) => name) ?? [];
      expect([...new Set(proven)].sort()).toEqual(declared.sort());
    });
  });

  it('reports a circle among the concerns of the platform', () => {
    const doors = { 'libs/platform/src/cache/index.ts': '', 'libs/platform/src/health/index.ts': '' };
    const reported = violationsIn(cruiseTree({ ...CLEAN, ...doors, ...breakWith(CIRCLE_OF_CONCERNS) }));
    expect(reported.map(({ from, rule }) => `${rule}: ${from}`).sort()).toEqual([
      'platform-concerns-form-no-circle: libs/platform/src/cache',
      'platform-concerns-form-no-circle: libs/platform/src/health',
    ]);
  });
});

describe('this repository', () => {
  let cruised: ICruiseResult;
  beforeAll(() => {
    cruised = cruise(ROOT);
  });

  it('keeps its boundaries', () => {
    expect(violationsIn(cruised).map(({ rule, from, to }) => `${rule}: ${from} -> ${to}`)).toEqual([]);
  });

  it('is seen by the gate: names of modules resolve to their sources', () => {
    const named = cruised.modules
      .flatMap(({ dependencies }) => dependencies)
      .filter(({ module }) => module.startsWith('#') && module !== '#package');
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter(({ resolved }) => !/^libs\/.*\/index\.ts$/.test(resolved))).toEqual([]);
  });

  it.each([
    ['#kernel', 'libs/kernel/src/index.ts'],
    ['#orders', 'libs/orders/src/index.ts'],
    ['#platform/http', 'libs/platform/src/http/index.ts'],
    ['#orders/domain/order.js', 'ERR_PACKAGE_IMPORT_NOT_DEFINED'],
    ['#orders/src/domain/order.ts', 'ERR_PACKAGE_IMPORT_NOT_DEFINED'],
    ['#kernel/money.js', 'ERR_PACKAGE_IMPORT_NOT_DEFINED'],
    ['#platform/http/problem.js', 'ERR_MODULE_NOT_FOUND'],
    ['#platform/../orders/src/domain', 'ERR_INVALID_MODULE_SPECIFIER'],
  ])('resolves doors and no deep import: %s is %s', (name, expected) => {
    expect(resolveByNode(name)).toBe(expected);
  });
});
