import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const DECISIONS = join(ROOT, 'docs/adr');

const files = readdirSync(DECISIONS).sort();

/** Documents that people read, and may lead them to a decision. */
const documents = [
  'README.md',
  ...['docs', 'docs/adr', 'docs/runbooks'].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  ),
];

describe('decisions', () => {
  it('are numbered from 1 without a gap, each number once', () => {
    const numbers = files.map((name) => /^(\d{4})-[a-z0-9-]+\.md$/.exec(name)?.[1]);
    expect(numbers).toEqual(files.map((_, index) => String(index + 1).padStart(4, '0')));
  });

  it.each(files)('%s has its number in its title', (name) => {
    const [title] = readFileSync(join(DECISIONS, name), 'utf8').split('\n');
    expect(title).toMatch(new RegExp(`^# ${Number(name.slice(0, 4))}\\. `));
  });

  it.each(documents)('that %s links to are there', (path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    const links = [...text.matchAll(/\]\((?:[^)\s]*\/)?(\d{4}-[^)#\s]+\.md)/g)].map(([, name]) => name);
    expect(links.filter((name) => !files.includes(name ?? ''))).toEqual([]);
  });
});
