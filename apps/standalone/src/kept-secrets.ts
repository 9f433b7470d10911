import { chown, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProcessError } from '#platform/process';
import { generateAppSecret, generateSigningKeys } from '#platform/security';

/** What the embedded size makes for itself where nothing is configured. */
export interface Secrets {
  readonly APP_SECRET: string;
  readonly SIGNING_KEYS: string;
}

const FILE_NAME = 'secrets.json';

/**
 * The secrets of a data directory, made when it has none yet and kept there, so that cursors, guest tokens and access
 * tokens outlive a restart. Only the owner may read the file.
 *
 * @throws ProcessError when the file cannot be read, written or understood
 */
export async function keepSecrets(dataDir: string): Promise<Secrets> {
  const file = join(dataDir, FILE_NAME);
  try {
    return (await readSecrets(file)) ?? (await makeSecrets(dataDir, file));
  } catch (cause) {
    if (cause instanceof ProcessError) throw cause;
    throw new ProcessError(
      `The generated secrets cannot be kept in ${file} (${(cause as Error).message}): give this user access to it, or set APP_SECRET and SIGNING_KEYS.`,
      { cause },
    );
  }
}

async function readSecrets(file: string): Promise<Secrets | undefined> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const { APP_SECRET, SIGNING_KEYS } = JSON.parse(text) as Partial<Secrets>;
    if (APP_SECRET && SIGNING_KEYS) return { APP_SECRET, SIGNING_KEYS };
  } catch {
    // Told below, with what to do about it.
  }
  throw new ProcessError(
    `${file} is damaged: put it back from a backup, or delete it, after which everybody has to log in again.`,
  );
}

/** The file gets its name when it is complete: a start that is killed leaves none, or all of it. */
async function makeSecrets(dataDir: string, file: string): Promise<Secrets> {
  const secrets = { APP_SECRET: generateAppSecret(), SIGNING_KEYS: await generateSigningKeys() };
  await mkdir(dataDir, { recursive: true });
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(secrets, undefined, 2)}\n`, { mode: 0o600 });
  if (process.getuid?.() === 0) {
    // Made by root (`sudo npm start`), it still belongs to whoever owns the directory, and must not lock them out.
    const { uid, gid } = await stat(dataDir);
    await chown(draft, uid, gid);
  }
  await rename(draft, file);
  return secrets;
}
