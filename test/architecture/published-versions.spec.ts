import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publishedVersions } from '../../scripts/published-versions.js';

const FILE = 'contract.yaml';
let root: string;

const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], { cwd: root });

function commit(text: string): void {
  writeFileSync(join(root, FILE), text);
  git('add', FILE);
  git('commit', '--quiet', '--no-verify', '--message', text);
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'steelyard-published-'));
  git('init', '--quiet', '--initial-branch', 'main');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('what is published of a contract', () => {
  it('is the last commit and the one before it, each text once, whatever stands in the working tree', () => {
    commit('first');
    commit('second');
    commit('third');
    writeFileSync(join(root, FILE), 'changed');
    expect(publishedVersions(root, FILE)).toEqual(['third', 'second']);
    git('commit', '--quiet', '--no-verify', '--allow-empty', '--message', 'nothing');
    expect(publishedVersions(root, FILE)).toEqual(['third']);
  });

  it('is where a branch has left main, too', () => {
    commit('of main');
    git('update-ref', 'refs/remotes/origin/main', 'HEAD');
    git('switch', '--quiet', '--create', 'branch');
    for (const text of ['one', 'two', 'three']) commit(text);
    expect(publishedVersions(root, FILE)).toEqual(['three', 'two', 'of main']);
  });

  it('is the last release once there is one', () => {
    commit('released');
    git('tag', 'v1.0.0');
    commit('since');
    expect(publishedVersions(root, FILE)).toEqual(['released']);
  });

  it('is read whole, however long it is', () => {
    const long = 'x'.repeat(2_000_000);
    commit('long');
    writeFileSync(join(root, FILE), long);
    git('commit', '--quiet', '--no-verify', '--all', '--message', 'longer');
    expect(publishedVersions(root, FILE)[0]).toHaveLength(long.length);
  });

  it('is nothing where git does not have the file', () => {
    expect(publishedVersions(root, FILE)).toEqual([]);
  });
});
