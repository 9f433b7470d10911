import { canonicalForm, parseForm } from './form.js';

describe('a form', () => {
  it.each([
    ['amount=1&currency=gbp', { amount: '1', currency: 'gbp' }],
    ['metadata[operation_id]=a%20b', { metadata: { operation_id: 'a b' } }],
    ['expand[0]=a&expand[1]=b', { expand: ['a', 'b'] }],
    ['expand[]=a&expand[]=b', { expand: ['a', 'b'] }],
    ['a[card][x]=1&a[card][y]=2', { a: { card: { x: '1', y: '2' } } }],
    ['metadata=', { metadata: '' }],
    ['a[1]=x', { a: { 1: 'x' } }],
    ['', {}],
  ])('%s is understood', (text, expected) => {
    expect(parseForm(text)).toEqual(expected);
  });

  it('reaches no prototype', () => {
    const form = parseForm('__proto__[polluted]=1&constructor[prototype][polluted]=1');
    expect(Object.keys(form)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('that nests too deeply keeps the name as it is', () => {
    const name = `a${'[b]'.repeat(50)}`;
    expect(parseForm(`${name}=1`)).toEqual({ [name]: '1' });
  });
});

describe('two forms that say the same', () => {
  it('are the same, in whatever order', () => {
    expect(canonicalForm('a=1&b[c]=2')).toBe(canonicalForm('b%5Bc%5D=2&a=1'));
    expect(canonicalForm('a=1')).not.toBe(canonicalForm('a=2'));
  });
});
