import { cursorErrors } from './cursor.js';
import { DomainError, defineErrors, registeredErrors } from './domain-error.js';
import { moneyErrors } from './money.js';

const errors = defineErrors({
  test_kettle_empty: { kind: 'conflict', title: 'The kettle is empty' },
  test_kettle_cold: { kind: 'unavailable', title: 'The kettle is cold' },
});

describe('a domain error', () => {
  it('says by default what its definition says, and nothing more', () => {
    const error = new DomainError(errors.test_kettle_empty);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'DomainError',
      code: 'test_kettle_empty',
      kind: 'conflict',
      title: 'The kettle is empty',
      message: 'The kettle is empty',
      extensions: {},
      errors: [],
    });
    expect(error.retryAfterSeconds).toBeUndefined();
    expect(error.cause).toBeUndefined();
  });

  it('carries what happened this time', () => {
    const cause = new Error('no water');
    const fieldError = { pointer: '/water', code: 'too_small', detail: 'More water is needed.' };
    const error = new DomainError(errors.test_kettle_cold, {
      detail: 'Wait until it boils.',
      extensions: { degrees: 21 },
      errors: [fieldError],
      retryAfterSeconds: 60,
      cause,
    });
    expect(error).toMatchObject({
      title: 'The kettle is cold',
      message: 'Wait until it boils.',
      extensions: { degrees: 21 },
      errors: [fieldError],
      retryAfterSeconds: 60,
    });
    expect(error.cause).toBe(cause);
  });
});

describe('the registry of error codes', () => {
  it('knows a definition by its name, which is its code', () => {
    expect(errors.test_kettle_cold).toEqual({
      code: 'test_kettle_cold',
      kind: 'unavailable',
      title: 'The kettle is cold',
    });
  });

  it('refuses to declare a code twice, whatever it would mean', () => {
    expect(() => defineErrors({ test_kettle_empty: { kind: 'invalid', title: 'Something else' } })).toThrow(
      'The error code test_kettle_empty is declared twice.',
    );
    expect(registeredErrors()).toContain(errors.test_kettle_empty);
  });

  it('does not let a definition change', () => {
    expect(Object.isFrozen(errors.test_kettle_empty)).toBe(true);
  });

  it('lists the codes of every loaded module, sorted', () => {
    const codes = registeredErrors().map(({ code }) => code);
    expect(codes).toEqual([...codes].sort());
    expect(registeredErrors()).toEqual(
      expect.arrayContaining([...Object.values(moneyErrors), ...Object.values(cursorErrors)]),
    );
  });

  it('hands out a list of its own, so that nobody empties the registry', () => {
    registeredErrors().length = 0;
    expect(registeredErrors()).toContain(errors.test_kettle_cold);
  });
});
