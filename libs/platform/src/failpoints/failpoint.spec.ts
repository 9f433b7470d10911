import { armFailpoints, defineFailpoint, failpointNames, parseFailpoints } from './failpoint.js';

const first = defineFailpoint('test.first');
const second = defineFailpoint('test.second');

afterEach(() => armFailpoints(''));

describe('a failpoint', () => {
  it('does nothing as long as nobody arms it', async () => {
    await expect(first.reach()).resolves.toBeUndefined();
  });

  it('fails, alone, when it is told to, until it is disarmed', async () => {
    armFailpoints('test.first=error');
    await expect(first.reach()).rejects.toThrow('The failpoint test.first was told to fail.');
    await expect(second.reach()).resolves.toBeUndefined();
    armFailpoints('');
    await expect(first.reach()).resolves.toBeUndefined();
  });

  it('holds whoever reaches it', async () => {
    armFailpoints('test.second=hold');
    const held = second.reach().then(() => 'let go');
    const later = new Promise((resolve) => setImmediate(() => resolve('still held')));
    expect(await Promise.race([held, later])).toBe('still held');
  });

  it.each(['a', 'a=', '=kill', 'a=maim', 'a=kill=b', 'a=kill,,'])('cannot be armed by %j', (text) => {
    expect(parseFailpoints(text)).toBeUndefined();
  });

  it('is armed among others', () => {
    expect([...parseFailpoints('a=kill, b=hold')!]).toEqual([
      ['a', 'kill'],
      ['b', 'hold'],
    ]);
  });

  it('has a name of its own', () => {
    expect(() => defineFailpoint('test.first')).toThrow('declared twice');
    expect(failpointNames()).toEqual(expect.arrayContaining(['test.first', 'test.second']));
  });
});
