import { newId } from '#kernel';
import { hashOf, type RefreshToken, RefreshTokenCodec } from './refresh-token.js';

const SECRET = 'a secret of the application, long enough';
const codec = new RefreshTokenCodec([SECRET]);

/** `token` with its bytes changed, in the form that a client would send. */
function altered(token: RefreshToken, change: (bytes: Buffer) => void): string {
  const bytes = Buffer.from(token.text, 'base64url');
  change(bytes);
  return bytes.toString('base64url');
}

describe('refresh tokens', () => {
  it('are read back as they were made', () => {
    const sessionId = newId();
    const token = codec.atGeneration(codec.first(sessionId), 7);
    expect(codec.parse(token.text)).toEqual(token);
    expect(token).toMatchObject({ sessionId, generation: 7 });
    expect(codec.isAuthentic(token)).toBe(true);
  });

  it('follow from one another, so that any token leads to the active one', () => {
    const first = codec.first(newId());
    const second = codec.atGeneration(first, 1);
    expect(codec.atGeneration(second, 2)).toEqual(codec.atGeneration(first, 2));
    expect(hashOf(second)).not.toEqual(hashOf(first));
  });

  it('are different for every session and every log-in', () => {
    const sessionId = newId();
    expect(codec.first(sessionId).text).not.toBe(codec.first(sessionId).text);
  });

  it.each([
    ['the session', (bytes: Buffer) => bytes.fill(1, 0, 16)],
    ['the generation', (bytes: Buffer) => bytes.writeUInt32BE(1, 16)],
    ['the seed', (bytes: Buffer) => bytes.fill(1, 20, 52)],
    ['the MAC', (bytes: Buffer) => bytes.fill(1, 52)],
  ])('are not authentic with another value of %s', (_, change) => {
    const token = codec.parse(altered(codec.first(newId()), change));
    expect(token && codec.isAuthentic(token)).toBe(false);
  });

  it('are not authentic under another secret', () => {
    expect(new RefreshTokenCodec([`${SECRET}!`]).isAuthentic(codec.first(newId()))).toBe(false);
  });

  it('outlive their secret while it is still known, and lead to the active one whichever made it', () => {
    const old = codec.first(newId());
    const next = new RefreshTokenCodec([`${SECRET}!`, SECRET]);
    expect(next.isAuthentic(old)).toBe(true);
    expect(next.atGeneration(old, 1)).not.toEqual(codec.atGeneration(old, 1));
    expect(next.allAtGeneration(old, 1)).toEqual([next.atGeneration(old, 1), codec.atGeneration(old, 1)]);
  });

  const { text } = codec.first(newId());
  it.each([
    ['empty', ''],
    ['shorter', text.slice(0, -1)],
    ['longer', `${text}A`],
    ['of another alphabet', `+${text.slice(1)}`],
    ['of a generation without a successor', altered(codec.first(newId()), (b) => b.fill(0xff, 16, 20))],
  ])('are not a text that is %s', (_, candidate) => {
    expect(codec.parse(candidate)).toBeUndefined();
  });
});
