import { defineFieldCodes, registeredFieldCodes } from './field-codes.js';

describe('a field code', () => {
  it('may be declared by several modules, with one meaning', () => {
    defineFieldCodes({ test_code: 'This.' });
    defineFieldCodes({ test_code: 'This.', test_another: 'That.' });
    // The modules that specs before this one have loaded declare others.
    const declared = registeredFieldCodes().filter(({ code }) => code.startsWith('test_'));
    expect(declared).toEqual([
      { code: 'test_another', meaning: 'That.' },
      { code: 'test_code', meaning: 'This.' },
    ]);
    expect(() => defineFieldCodes({ test_code: 'That.' })).toThrow('test_code has two meanings');
  });
});
