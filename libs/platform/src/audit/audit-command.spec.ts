import { userInfo } from 'node:os';
import { accountName } from './audit-command.js';

describe('the account that runs a command', () => {
  it('is that of the operating system, whatever the environment says', () => {
    expect(accountName()).toBe(userInfo().username);
  });

  it('is its number where it has no name', () => {
    const unnamed = () => {
      throw new Error('uv_os_get_passwd returned ENOENT');
    };
    expect(accountName(unnamed, 10_001)).toBe('uid-10001');
  });
});
