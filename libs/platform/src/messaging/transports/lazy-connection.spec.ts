import { CONNECT_TIMEOUT_MS } from './bounds.js';
import { LazyConnection } from './lazy-connection.js';

afterEach(() => {
  jest.useRealTimers();
});

describe('a connection', () => {
  it('is opened once for all who ask, and anew after it was lost', async () => {
    const losses: (() => void)[] = [];
    const link = new LazyConnection(
      'NATS',
      (lost) => Promise.resolve(losses.push(lost)),
      () => Promise.resolve(),
    );
    expect(await Promise.all([link.get(), link.get()])).toEqual([1, 1]);
    losses[0]!();
    expect(await link.get()).toBe(2);
  });

  it('that comes when nobody waits for it any more is closed', async () => {
    jest.useFakeTimers();
    const late = Promise.withResolvers<string>();
    const closed: string[] = [];
    const link = new LazyConnection(
      'NATS',
      () => late.promise,
      (connection) => {
        closed.push(connection);
        return Promise.resolve();
      },
    );
    const outcome = expect(link.get()).rejects.toThrow('NATS has not answered within 5000 ms.');
    await jest.advanceTimersByTimeAsync(CONNECT_TIMEOUT_MS);
    await outcome;
    expect(closed).toEqual([]);
    late.resolve('late');
    await jest.advanceTimersByTimeAsync(0);
    expect(closed).toEqual(['late']);
  });
});
