import { isGuessable } from './password-strength.js';

describe('a password', () => {
  it.each([
    ['a common one', 'password123'],
    ['a common one with a year', 'sunshine2024'],
    ['common letters in disguise', 'P@ssw0rd12'],
    ['one character', 'aaaaaaaaaa'],
    ['one character, to the most that is allowed', 'x'.repeat(128)],
    ['spaces', ' '.repeat(10)],
    ['a row of digits', '1234567890'],
    ['a row of keys', 'qwertyuiop'],
    ['a row of letters', 'abcdefghij'],
    ['a repetition', 'abcabcabcabc'],
    ['that of the demo accounts', 'steelyard-demo'],
  ])('is guessed that is %s', (_, password) => {
    expect(isGuessable(password)).toBe(true);
  });

  it.each(['correct horse battery', 'Tr0ub4dor&3', 'naïve Größe 北京 🐎', 'k7#Qw9!zLp'])(
    'is not guessed at once that is like %s',
    (password) => {
      expect(isGuessable(password)).toBe(false);
    },
  );

  it('is guessed that is what everybody knows of its owner', () => {
    expect(isGuessable('ada.lovelace@example.com')).toBe(false);
    expect(isGuessable('ada.lovelace@example.com', ['ada.lovelace@example.com'])).toBe(true);
    expect(isGuessable('Ada Lovelace', ['Ada Lovelace'])).toBe(true);
  });
});
