import { setTimeout as sleep } from 'node:timers/promises';
import { newId, uuidFromBytes, uuidToBytes } from './id.js';

const timestampOf = (id: string) => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);

describe('newId', () => {
  it('is a UUID of version 7, in lower case', () => {
    expect(newId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('carries the time of its creation in milliseconds', () => {
    const before = Date.now();
    const timestamp = timestampOf(newId());
    expect(timestamp).toBeGreaterThanOrEqual(before);
    expect(timestamp).toBeLessThanOrEqual(Date.now());
  });

  it('sorts, as text, after every id of an earlier millisecond', async () => {
    const ids: string[] = [];
    for (let round = 0; round < 10; round += 1) {
      ids.push(newId());
      await sleep(2);
    }
    expect(ids).toEqual([...ids].sort());
  });

  it('is never the same twice', () => {
    const ids = Array.from({ length: 10_000 }, newId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('the bytes of an id', () => {
  it('are 16, and make the same id again', () => {
    const id = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10';
    expect(uuidToBytes(id).toString('hex')).toBe('01976f5e8d3c7a519c7e3f1f3b2a9d10');
    expect(uuidFromBytes(uuidToBytes(id.toUpperCase()))).toBe(id);
  });
});
