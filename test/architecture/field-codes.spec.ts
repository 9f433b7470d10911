import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { registeredErrors, registeredFieldCodes } from '#kernel';
// Codes are registered by the modules that declare them.
import '../../apps/api/src/index.js';

const ROOT = resolve(import.meta.dirname, '../..');

const sources = globSync('libs/{kernel,platform,users,catalog,orders,payments,sales,webhooks}/src/**/*.ts', {
  cwd: ROOT,
})
  .filter((path) => !path.endsWith('.spec.ts'))
  .map((path) => readFileSync(join(ROOT, path), 'utf8'));

/** Where a code is given to a problem: by a schema, beside its place, and by the validation itself. */
const GIVEN = [
  /params: \{ code: '(\w+)' \}/g,
  /pointer[^{}]*\bcode: '(\w+)'/g,
  /\{\s*code: '(url_\w+)'/g,
  /faultyRow\([^,]+, '(\w+)'/g,
];

const given = new Set(
  sources.flatMap((text) => GIVEN.flatMap((how) => [...text.matchAll(how)].map(([, code]) => code))),
);

describe('field codes', () => {
  it('that are given are declared, or are codes of errors', () => {
    const declared = new Set([...registeredFieldCodes(), ...registeredErrors()].map(({ code }) => code));
    expect(given.size).toBeGreaterThan(15);
    expect([...given].filter((code) => !declared.has(code ?? ''))).toEqual([]);
  });

  it('that are declared are given by somebody', () => {
    // `test_`: by a spec that ran before, in the same process.
    const unused = registeredFieldCodes().filter(
      ({ code }) => !code.startsWith('test_') && !sources.some((text) => text.includes(`'${code}'`)),
    );
    expect(unused).toEqual([]);
  });
});
