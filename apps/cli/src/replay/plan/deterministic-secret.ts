import { createHash } from 'node:crypto';

/** The first 24 hexadecimal digits of SHA-256: material for a password that every run derives again. */
export function deterministicSecret(namespace: string, name: string): string {
  return createHash('sha256').update(`${namespace}\0${name}`).digest('hex').slice(0, 24);
}
