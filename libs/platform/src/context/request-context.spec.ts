import { ANONYMOUS, newId } from '#kernel';
import {
  currentActor,
  currentContext,
  type RequestContext,
  runAsSystem,
  runInContext,
} from './request-context.js';

const contextOf = (requestId: string): RequestContext => ({
  requestId,
  signal: new AbortController().signal,
  actor: ANONYMOUS,
});
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('the context of a request', () => {
  it('follows it through every await, and never meets another', async () => {
    const seen = async (requestId: string) =>
      runInContext(contextOf(requestId), async () => {
        await nextTurn();
        return currentContext().requestId;
      });
    expect(await Promise.all(['a', 'b', 'c'].map(seen))).toEqual(['a', 'b', 'c']);
  });

  it('takes the actor when it is known, for all that comes after', () => {
    runInContext(contextOf('a'), () => {
      const actor = { kind: 'user', userId: newId(), role: 'staff', sessionId: newId(), aal: 1 } as const;
      currentContext().actor = actor;
      expect(currentActor()).toBe(actor);
    });
    expect(currentActor()).toBe(ANONYMOUS);
  });

  it('is nobody’s, and without a deadline, outside of any', () => {
    expect(currentContext()).toMatchObject({
      requestId: 'none',
      actor: ANONYMOUS,
      signal: { aborted: false },
    });
    currentContext().actor = { kind: 'system', name: 'intruder' };
    expect(currentActor()).toBe(ANONYMOUS);
  });
});

describe('work of the system', () => {
  it('has a name, and an id of its own each time', () => {
    const contexts = [1, 2].map(() => runAsSystem('expiry', currentContext));
    expect(contexts.map(({ actor }) => actor)).toEqual(Array(2).fill({ kind: 'system', name: 'expiry' }));
    expect(new Set(contexts.map(({ requestId }) => requestId)).size).toBe(2);
  });

  it('inside a request is the system’s all the same, and ends with the signal that it is given', () => {
    const aborter = new AbortController();
    runInContext(contextOf('a'), () => {
      runAsSystem('relay', () => expect(currentContext().signal).toBe(aborter.signal), aborter.signal);
      expect(runAsSystem('relay', currentActor)).toEqual({ kind: 'system', name: 'relay' });
      expect(currentContext().requestId).toBe('a');
    });
  });
});
