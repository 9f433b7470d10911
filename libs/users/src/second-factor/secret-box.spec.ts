import { SecretBox } from './secret-box.js';

const SECRET = 'a secret of the application, long enough';
const CONTENT = Buffer.from('what nobody may read');
const box = new SecretBox([SECRET], 'test');

describe('a sealed box', () => {
  it('opens to whom it was sealed for, and looks different each time', () => {
    const [one, other] = [box.seal(CONTENT, 'ada'), box.seal(CONTENT, 'ada')];
    expect(box.open(one, 'ada')).toEqual(CONTENT);
    expect(one.includes(CONTENT)).toBe(false);
    expect(one).not.toEqual(other);
  });

  it('does not open for somebody else, with another key, or for another purpose', () => {
    const sealed = box.seal(CONTENT, 'ada');
    expect(box.open(sealed, 'grace')).toBeUndefined();
    expect(new SecretBox([`${SECRET}!`], 'test').open(sealed, 'ada')).toBeUndefined();
    expect(new SecretBox([SECRET], 'another').open(sealed, 'ada')).toBeUndefined();
  });

  it('opens after a change of the secret as long as the old one is known', () => {
    const sealed = box.seal(CONTENT, 'ada');
    expect(new SecretBox(['a new secret of the application', SECRET], 'test').open(sealed, 'ada')).toEqual(
      CONTENT,
    );
  });

  it('does not open when any byte of it was changed', () => {
    const sealed = box.seal(CONTENT, 'ada');
    for (const index of sealed.keys()) {
      const changed = Buffer.from(sealed);
      changed[index]! ^= 1;
      expect(box.open(changed, 'ada')).toBeUndefined();
    }
  });
});
