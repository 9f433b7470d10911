import { CallNotMade, CallPolicy, type CallPolicyOptions } from './call-policy.js';

/** A policy that lets everything pass, but for what a test is about. */
const aPolicy = (options: Partial<CallPolicyOptions> = {}) =>
  new CallPolicy({
    timeoutMs: 10_000,
    maxConcurrent: 10,
    breakAfterFailures: 100,
    breakForMs: 10_000,
    ...options,
  });

const nobodyGivesUp = new AbortController().signal;
const succeed = () => Promise.resolve('done');
const fail = () => Promise.reject(new Error('refused'));

/** Calls that go on until the test ends them. */
function openEndedCalls() {
  const ends: (() => void)[] = [];
  return {
    call: () => new Promise<string>((resolve) => ends.push(() => resolve('done'))),
    endAll: () => {
      for (const end of ends.splice(0)) end();
    },
    get underWay() {
      return ends.length;
    },
  };
}

/** Lets everything that has settled take its course. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a call', () => {
  it('returns what it was answered', async () => {
    await expect(aPolicy().call(nobodyGivesUp, succeed)).resolves.toBe('done');
  });

  it('throws what it has thrown, for it was made', async () => {
    await expect(aPolicy().call(nobodyGivesUp, fail)).rejects.toThrow('refused');
    await expect(aPolicy().call(nobodyGivesUp, fail)).rejects.not.toBeInstanceOf(CallNotMade);
  });
});

describe('the time of a call', () => {
  it('is bounded, also when the call does not listen to its signal', async () => {
    const call = aPolicy({ timeoutMs: 20 }).call(nobodyGivesUp, () => new Promise(() => {}));
    const error: unknown = await call.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(CallNotMade);
  });

  it('ends with its signal', async () => {
    let signal: AbortSignal | undefined;
    const call = aPolicy({ timeoutMs: 20 }).call(nobodyGivesUp, (own) => {
      signal = own;
      return new Promise(() => {});
    });
    expect(signal?.aborted).toBe(false);
    await expect(call).rejects.toThrow();
    expect(signal?.aborted).toBe(true);
  });

  it('ends when the caller gives up', async () => {
    const caller = new AbortController();
    let signal: AbortSignal | undefined;
    const call = aPolicy().call(caller.signal, (own) => {
      signal = own;
      return new Promise(() => {});
    });
    const error = call.catch((thrown: unknown) => thrown);
    caller.abort();
    expect(signal?.aborted).toBe(true);
    expect(await error).toBeInstanceOf(Error);
    expect(await error).not.toBeInstanceOf(CallNotMade);
  });

  it('is over before it began when the caller has gone: the call is not made, and says so', async () => {
    let wasMade = false;
    const call = aPolicy().call(AbortSignal.abort(), () => {
      wasMade = true;
      return succeed();
    });
    const error: unknown = await call.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CallNotMade);
    expect((error as CallNotMade).cause).toBeInstanceOf(Error);
    expect(wasMade).toBe(false);
  });
});

describe('the bulkhead', () => {
  it('lets so many calls through at once, and one more when one of them has ended', async () => {
    const policy = aPolicy({ maxConcurrent: 2 });
    const calls = openEndedCalls();
    const made = [1, 2].map(() => policy.call(nobodyGivesUp, calls.call));
    await settle();
    expect(calls.underWay).toBe(2);
    calls.endAll();
    await expect(Promise.all(made)).resolves.toEqual(['done', 'done']);
    await expect(policy.call(nobodyGivesUp, succeed)).resolves.toBe('done');
  });

  it('refuses one call more at once, without a wait, and says that it was not made', async () => {
    const policy = aPolicy({ maxConcurrent: 1 });
    const calls = openEndedCalls();
    const made = policy.call(nobodyGivesUp, calls.call);
    let wasMade = false;
    const surplus = policy.call(nobodyGivesUp, () => {
      wasMade = true;
      return succeed();
    });
    await expect(surplus).rejects.toBeInstanceOf(CallNotMade);
    expect(calls.underWay).toBe(1);
    calls.endAll();
    await made;
    expect(wasMade).toBe(false);
  });
});

describe('the circuit', () => {
  it('does not open for callers that give up', async () => {
    const policy = aPolicy({ breakAfterFailures: 3 });
    for (let count = 0; count < 3; count += 1) {
      const caller = new AbortController();
      const call = policy.call(caller.signal, () => new Promise(() => {})).catch((error: unknown) => error);
      caller.abort();
      await call;
    }
    await expect(policy.call(nobodyGivesUp, succeed)).resolves.toBe('done');
  });

  const openAfter = async (failures: number, options: Partial<CallPolicyOptions> = {}) => {
    const policy = aPolicy({ breakAfterFailures: failures, ...options });
    for (let count = 0; count < failures; count += 1) await policy.call(nobodyGivesUp, fail).catch(() => {});
    return policy;
  };

  it('opens after so many failures in a row: calls are not made, and say so', async () => {
    const policy = await openAfter(3);
    let wasMade = false;
    const call = policy.call(nobodyGivesUp, () => {
      wasMade = true;
      return succeed();
    });
    const error: unknown = await call.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CallNotMade);
    expect((error as CallNotMade).cause).toBeInstanceOf(Error);
    expect(wasMade).toBe(false);
  });

  it('stays closed while a success comes between failures', async () => {
    const policy = aPolicy({ breakAfterFailures: 3 });
    for (const call of [fail, fail, succeed, fail, fail])
      await policy.call(nobodyGivesUp, call).catch(() => {});
    await expect(policy.call(nobodyGivesUp, succeed)).resolves.toBe('done');
  });

  it('opens for calls that take too long, too', async () => {
    const policy = aPolicy({ breakAfterFailures: 2, timeoutMs: 5 });
    const hang = () => policy.call(nobodyGivesUp, () => new Promise(() => {})).catch(() => {});
    await hang();
    await hang();
    await expect(policy.call(nobodyGivesUp, succeed)).rejects.toBeInstanceOf(CallNotMade);
  });

  it('stays closed for calls that there was no room for', async () => {
    const policy = aPolicy({ breakAfterFailures: 3, maxConcurrent: 1 });
    const calls = openEndedCalls();
    const made = policy.call(nobodyGivesUp, calls.call);
    for (let count = 0; count < 3; count += 1) {
      await expect(policy.call(nobodyGivesUp, succeed)).rejects.toBeInstanceOf(CallNotMade);
    }
    calls.endAll();
    await made;
    await expect(policy.call(nobodyGivesUp, succeed)).resolves.toBe('done');
  });

  it('stays closed for callers that had gone before their calls were made', async () => {
    const policy = aPolicy({ breakAfterFailures: 3 });
    for (let count = 0; count < 3; count += 1) {
      await policy.call(AbortSignal.abort(), succeed).catch(() => {});
    }
    await expect(policy.call(nobodyGivesUp, succeed)).resolves.toBe('done');
  });

  it('lets one call try after its time; it closes when that succeeds', async () => {
    const policy = await openAfter(2, { breakForMs: 20 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    await expect(policy.call(nobodyGivesUp, succeed)).resolves.toBe('done');
    await expect(policy.call(nobodyGivesUp, fail)).rejects.toThrow('refused');
    await expect(policy.call(nobodyGivesUp, succeed)).resolves.toBe('done');
  });

  it('stays open when the one that tries fails', async () => {
    const policy = await openAfter(2, { breakForMs: 20 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    await expect(policy.call(nobodyGivesUp, fail)).rejects.toThrow('refused');
    await expect(policy.call(nobodyGivesUp, succeed)).rejects.toBeInstanceOf(CallNotMade);
  });
});
