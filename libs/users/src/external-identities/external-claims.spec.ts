import { assuranceIn, externalClaimsSchema, personIn, roleIn, sessionIdIn } from './external-claims.js';

const claimsWith = (more: object) => ({ sub: '248289761001', iat: 1_795_000_000, ...more });

describe('the subject of a token', () => {
  it.each([['248289761001'], ['auth0|5f7c'], ['a b'], ['x'.repeat(255)]])('may be %j', (sub) => {
    expect(externalClaimsSchema.safeParse(claimsWith({ sub })).success).toBe(true);
  });

  it.each([[''], ['x'.repeat(256)], ['a\u0000'], ['é'], ['\ud800'], [1], [null], [['a']]])(
    'may not be %j',
    (sub) => {
      expect(externalClaimsSchema.safeParse(claimsWith({ sub })).success).toBe(false);
    },
  );
});

describe('the person in claims', () => {
  it.each([
    ['a name', { name: ' Ada Lovelace ' }, 'Ada Lovelace'],
    ['no name', {}, 'ada'],
    ['a name that is none', { name: '' }, 'ada'],
    ['a name that cannot be stored', { name: 'Ada\u0000' }, 'ada'],
    ['a name that is no text', { name: { given: 'Ada' } }, 'ada'],
  ])('has the address in lower case, and with %s a name all the same', (_, more, name) => {
    const claims = { email: 'Ada@Example.com', email_verified: true, ...more };
    expect(personIn(claims)).toEqual({ email: 'ada@example.com', name });
  });

  it.each([
    ['no address', { email_verified: true }],
    ['an address that is none', { email: 'ada', email_verified: true }],
    ['an address without a word on it', { email: 'ada@example.com' }],
    ['an address that is not proven', { email: 'ada@example.com', email_verified: false }],
    ['an address that is not proven, in words', { email: 'ada@example.com', email_verified: 'false' }],
    ['an address with a number for a word', { email: 'ada@example.com', email_verified: 1 }],
  ])('is nobody with %s', (_, claims) => {
    expect(personIn(claims)).toBeUndefined();
  });

  it('takes the word of those who write it as text', () => {
    expect(personIn({ email: 'ada@example.com', email_verified: 'true' })).toBeDefined();
  });
});

describe('the role in claims', () => {
  const ROLES = [
    ['warehouse', 'staff'],
    ['it', 'admin'],
  ] as const;

  it.each<[string, object, string, string]>([
    ['one of several', { roles: ['guests', 'warehouse'] }, 'roles', 'staff'],
    ['the highest of two', { roles: ['it', 'warehouse'] }, 'roles', 'admin'],
    ['the only one', { role: 'it' }, 'role', 'admin'],
    ['none that counts', { roles: ['guests'] }, 'roles', 'customer'],
    ['the word of ours', { roles: ['admin'] }, 'roles', 'customer'],
    ['another case', { roles: ['IT'] }, 'roles', 'customer'],
    ['no claim', {}, 'roles', 'customer'],
    ['an object', { roles: { it: true } }, 'roles', 'customer'],
    ['a list in a list', { roles: [['it']] }, 'roles', 'customer'],
    ['a path', { realm_access: { roles: ['warehouse'] } }, 'realm_access.roles', 'staff'],
    ['a path that leads nowhere', { realm_access: 'it' }, 'realm_access.roles', 'customer'],
    ['a path into what every object has', {}, 'constructor.name', 'customer'],
    ['a name with dots', { 'https://a.example/roles': ['it'] }, 'https://a.example/roles', 'admin'],
  ])('is, with %s, %j at %s: %s', (_, more, claim, role) => {
    expect(roleIn(claimsWith(more), claim, ROLES)).toBe(role);
  });
});

describe('the assurance in claims', () => {
  it.each<[object, 1 | 2]>([
    [{}, 1],
    [{ acr: 'aal1' }, 1],
    [{ acr: '1' }, 1],
    [{ acr: 'aal2' }, 2],
    [{ acr: 'aal3' }, 2],
    [{ amr: ['pwd'] }, 1],
    [{ amr: ['otp'] }, 1],
    [{ amr: ['pwd', 'otp'] }, 2],
    [{ amr: ['pwd', 'swk'] }, 2],
    [{ amr: ['mfa'] }, 2],
    [{ amr: ['hwk'] }, 1],
    [{ amr: ['pwd', 'hwk'] }, 2],
    [{ amr: 'mfa' }, 2],
    [{ amr: { mfa: true } }, 1],
    [{ acr: ['aal2'] }, 1],
  ])('of %j is %d', (more, aal) => {
    expect(assuranceIn(claimsWith(more))).toBe(aal);
  });
});

describe('the id of a log-in', () => {
  const idOf = (more: object, issuer = 'https://a.example') => sessionIdIn(issuer, claimsWith(more));

  it('is one for all tokens of a session, and another for every other', () => {
    expect(idOf({ sid: 'a', jti: '1' })).toBe(idOf({ sid: 'a', jti: '2' }));
    const others = [
      idOf({ sid: 'a' }),
      idOf({ sid: 'b' }),
      idOf({ jti: 'a' }),
      idOf({ jti: 'b' }),
      idOf({}),
      idOf({ sub: 'a' }),
      idOf({ sid: 'a' }, 'https://b.example'),
    ];
    expect(new Set(others).size).toBe(others.length);
  });
});
