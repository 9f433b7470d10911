import { type Actor, ANONYMOUS, DomainError, newId, type Role } from '#kernel';
import { Config, loadSettings } from '../config/index.js';
import { AccessPolicy } from './access-policy.js';
import { grantOf, isCheckedLive, type Permission, POLICY, SCOPES } from './policy.js';

const PERMISSIONS = Object.keys(POLICY) as Permission[];

const policyWith = (secondFactorFor: string) =>
  new AccessPolicy(new Config(loadSettings({ SECOND_FACTOR_FOR: secondFactorFor })));
const policy = policyWith('');

const person = (role: Role, aal: 1 | 2 = 1): Actor => ({
  ...{ kind: 'user', userId: newId(), sessionId: newId() },
  ...{ role, aal },
});
const key = (...scopes: string[]): Actor => ({ kind: 'key', keyId: newId(), scopes });

/** `works`, or the code of the refusal. */
function outcome(judge: AccessPolicy, actor: Actor, permission: Permission): string {
  try {
    judge.admit(actor, permission);
    return 'works';
  } catch (error) {
    return (error as DomainError).code;
  }
}

describe('the access policy', () => {
  it.each(PERMISSIONS)('%s: each role may do what the one before it may', (permission) => {
    const may = (['customer', 'staff', 'admin'] as const).map((role) =>
      outcome(policy, person(role), permission),
    );
    expect(may).toEqual([...may].sort((a, b) => Number(a === 'works') - Number(b === 'works')));
    expect(may.at(-1)).toBe('works');
  });

  it.each(PERMISSIONS)('%s: a key may do it with the scope of this name, and with no other', (permission) => {
    const others = PERMISSIONS.filter((name) => name !== permission);
    expect(outcome(policy, key(...others), permission)).toBe('forbidden');
    const isScope = grantOf(permission).scope === true;
    expect(outcome(policy, key(permission), permission)).toBe(isScope ? 'works' : 'forbidden');
    expect(SCOPES.includes(permission)).toBe(isScope);
  });

  it.each(PERMISSIONS)('%s: whoever is not known may do it only where anyone may', (permission) => {
    const isOpen = grantOf(permission).own === 'anyone';
    expect(outcome(policy, ANONYMOUS, permission)).toBe(isOpen ? 'works' : 'authentication_required');
    expect(policy.reachesAll(ANONYMOUS, permission)).toBe(false);
  });

  it.each<[string, Permission, string]>([
    ['refunds', 'payments:refund', 'insufficient_aal'],
    ['refunds', 'payments:void', 'insufficient_aal'],
    ['refunds', 'ledger:read', 'works'],
    ['admin', 'payments:refund', 'works'],
    ['admin', 'ledger:read', 'insufficient_aal'],
    ['refunds,admin', 'keys:manage', 'insufficient_aal'],
    ['refunds,admin', 'payments:capture', 'works'],
  ])('SECOND_FACTOR_FOR=%s: %s with one factor: %s; with two it works', (names, permission, expected) => {
    const strict = policyWith(names);
    expect(outcome(strict, person('admin', 1), permission)).toBe(expected);
    expect(outcome(strict, person('admin', 2), permission)).toBe('works');
  });

  it('has whoever makes a key show the factors that its permissions ask of people', () => {
    const give = (aal: 1 | 2, ...permissions: Permission[]) => {
      return () => policyWith('refunds').admitGiving(person('admin', aal), permissions);
    };
    expect(give(1, 'orders:list', 'payments:refund')).toThrow(/second factor/);
    expect(give(1, 'orders:list', 'ledger:read')).not.toThrow();
    expect(give(2, 'orders:list', 'payments:refund')).not.toThrow();
  });

  it('believes access tokens to their end where that is enough: for reading, selling and the warehouse', () => {
    expect(PERMISSIONS.filter((permission) => !isCheckedLive(permission))).toEqual([
      'users:read',
      ...['catalog:read', 'catalog:write', 'stock:read', 'stock:write'],
      ...['orders:place', 'orders:list', 'orders:read', 'orders:pay', 'orders:fulfil'],
      ...['payments:read', 'payments:capture', 'sales:read', 'events:read', 'webhooks:read'],
    ]);
  });

  it('asks customers for no second factor for what is theirs, and staff for what is not', () => {
    const strict = policyWith('refunds');
    expect(outcome(strict, person('customer'), 'orders:cancel')).toBe('works');
    expect(strict.reachesAll(person('customer'), 'orders:cancel')).toBe(false);
    expect(() => strict.reachesAll(person('staff'), 'orders:cancel')).toThrow(/second factor/);
    expect(strict.reachesAll(person('staff', 2), 'orders:cancel')).toBe(true);
  });
});
