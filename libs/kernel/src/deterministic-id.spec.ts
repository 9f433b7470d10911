import fc from 'fast-check';
import { deterministicUuidV7 } from './deterministic-id.js';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('deterministicUuidV7', () => {
  it('is a UUIDv7 that carries its timestamp, whatever it stands for', () => {
    const timestamps = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    fc.assert(
      fc.property(fc.string(), fc.string(), timestamps, (namespace, name, timestampMs) => {
        const id = deterministicUuidV7(namespace, name, timestampMs);
        expect(id).toMatch(UUID_V7);
        expect(parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(timestampMs);
        expect(deterministicUuidV7(namespace, name, timestampMs)).toBe(id);
      }),
    );
  });

  it('never changes between versions of the program', () => {
    const id = deterministicUuidV7('online-retail', 'order:536365/1', Date.UTC(2010, 11, 1, 8, 26));
    expect(id).toBe('012ca109-c1c0-74df-89df-c2c46c008a55');
  });

  it('differs with the name and with the namespace, also where their texts run together', () => {
    const ids = [
      deterministicUuidV7('a', 'bc', 0),
      deterministicUuidV7('ab', 'c', 0),
      deterministicUuidV7('a', 'bd', 0),
      deterministicUuidV7('b', 'bc', 0),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each([-1, 0.5, 2 ** 48, Number.NaN])('refuses the timestamp %d', (timestampMs) => {
    expect(() => deterministicUuidV7('a', 'b', timestampMs)).toThrow(RangeError);
  });
});
