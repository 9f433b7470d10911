import { randomBytes } from 'node:crypto';
import { SecretBox } from './secret-box.js';

const [OLD, NEW] = ['old '.repeat(8), 'new '.repeat(8)] as const;
const CONTENT = randomBytes(32);

describe('a sealed secret', () => {
  const box = new SecretBox([OLD], 'tests');
  const sealed = box.seal(CONTENT, 'owner');

  it('opens for whom it was sealed, and does not show what is in it', () => {
    expect(box.open(sealed, 'owner')).toEqual(CONTENT);
    expect(sealed.includes(CONTENT)).toBe(false);
    expect(box.seal(CONTENT, 'owner')).not.toEqual(sealed);
  });

  // What is in the database was sealed years ago: the keys must never change.
  it('opens what was always sealed so', () => {
    const stored = Buffer.from(
      'b8a61e810abd02f18cacd986ef5cff7b322fef4cf06e4c9b6f48338d7f3e16c9949afb87daae59239602',
      'hex',
    );
    expect(box.open(stored, 'owner')?.toString()).toBe('kept for years');
  });

  it.each<[string, Buffer | undefined]>([
    ['in the row of another', box.open(sealed, 'another')],
    ['for another purpose', new SecretBox([OLD], 'others').open(sealed, 'owner')],
    ['with another secret', new SecretBox([NEW], 'tests').open(sealed, 'owner')],
    [
      'when it was changed',
      box.open(Buffer.concat([sealed.subarray(0, -1), Buffer.of(sealed.at(-1)! ^ 1)]), 'owner'),
    ],
    ['when it was cut', box.open(sealed.subarray(0, 20), 'owner')],
    ['when it is empty', box.open(Buffer.alloc(0), 'owner')],
  ])('does not open %s', (_when, content) => {
    expect(content).toBeUndefined();
  });

  it('is sealed anew with the secret that comes first, once', () => {
    const rotated = new SecretBox([NEW, OLD], 'tests');
    const renewed = rotated.renew(sealed, 'owner')!;
    expect(new SecretBox([NEW], 'tests').open(renewed, 'owner')).toEqual(CONTENT);
    expect(rotated.renew(renewed, 'owner')).toBeUndefined();
    expect(new SecretBox([NEW], 'tests').renew(sealed, 'owner')).toBeUndefined();
  });
});
