import { ANONYMOUS, type Actor, actorReference, hasRole, type Role, ROLES } from './actor.js';

const userWith = (role: Role): Actor => ({
  kind: 'user',
  userId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10',
  role,
  sessionId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11',
  aal: 1,
});
const key: Actor = { kind: 'key', keyId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12', scopes: ['orders:read'] };
const operator: Actor = { kind: 'host', account: 'deploy' };
const relay: Actor = { kind: 'system', name: 'relay' };

describe('hasRole', () => {
  it.each<[Role, Role[]]>([
    ['customer', ['customer']],
    ['staff', ['customer', 'staff']],
    ['admin', ['customer', 'staff', 'admin']],
  ])('lets %s do what %j may', (role, allowed) => {
    expect(ROLES.filter((required) => hasRole(userWith(role), required))).toEqual(allowed);
  });

  it.each([
    ['nobody', ANONYMOUS],
    ['a key', key],
    ['a command on the host', operator],
    ['the system', relay],
  ])('gives %s no role', (_, actor) => {
    expect(ROLES.filter((required) => hasRole(actor, required))).toEqual([]);
  });

  it('gives an unknown role nothing', () => {
    expect(ROLES.filter((required) => hasRole(userWith('owner' as Role), required))).toEqual([]);
  });
});

describe('actorReference', () => {
  it.each([
    [userWith('staff'), 'user:01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10'],
    [key, 'key:01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12'],
    [operator, 'host:deploy'],
    [relay, 'system:relay'],
    [ANONYMOUS, 'anonymous'],
  ])('writes %j as %s', (actor, reference) => {
    expect(actorReference(actor)).toBe(reference);
  });
});
