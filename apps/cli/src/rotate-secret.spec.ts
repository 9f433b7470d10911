import { rotateSecret } from './rotate-secret.js';

const [OLD, NEW] = ['o'.repeat(32), 'n'.repeat(32)] as const;

describe('the rotation of a list of secrets', () => {
  it.each([
    [`${OLD}, ${NEW}`, 'promote', `${NEW},${OLD}`],
    [`${OLD},${NEW},`, 'promote', `${NEW},${OLD}`],
    [`${OLD},,${NEW}`, 'drop', OLD],
  ] as const)('reads %j as the server does: %s', async (value, step, next) => {
    expect(await rotateSecret('APP_SECRET', value, step)).toBe(next);
  });

  it('has nothing to promote where a comma stands behind the only one', async () => {
    await expect(rotateSecret('APP_SECRET', `${OLD},`, 'promote')).rejects.toThrow(/holds one value/);
  });
});
