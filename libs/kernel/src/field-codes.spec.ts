import { defineFieldCodes, registeredFieldCodes } from './field-codes.js';

describe('a field code', () => {
  it('may be declared by several modules, with one meaning', () => {
    defineFieldCodes({ test_code: 'This.' });
    defineFieldCodes({ test_code: 'This.', test_another: 'That.' });
    expect(registeredFieldCodes()).toEqual([
      { code: 'test_another', meaning: 'That.' },
      { code: 'test_code', meaning: 'This.' },
    ]);
    expect(() => defineFieldCodes({ test_code: 'That.' })).toThrow('test_code has two meanings');
  });
});
