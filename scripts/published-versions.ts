import { execFileSync } from 'node:child_process';

/**
 * What others may go by of a file: its text in the last release, or, before there is one, in the last commit, in the one
 * before it, with which a commit is compared that is checked itself, and where the branch left `main`. Each text once;
 * none where git does not have it.
 */
export function publishedVersions(root: string, path: string): string[] {
  const git = (...args: string[]): string | undefined => {
    try {
      // A long contract must not look like one that is not there.
      return execFileSync('git', args, { cwd: root, stdio: 'pipe', encoding: 'utf8', maxBuffer: Infinity });
    } catch {
      return undefined;
    }
  };
  const release = git('describe', '--tags', '--abbrev=0', '--match', 'v*')?.trim();
  const commits = release ? [release] : ['HEAD', 'HEAD^1', git('merge-base', 'HEAD', 'origin/main')?.trim()];
  const texts = commits.map((commit) => (commit ? git('show', `${commit}:${path}`) : undefined));
  return [...new Set(texts.filter((text) => text !== undefined))];
}
