import { errorForLog } from './error-for-log.js';

const CANARY = '4242424242424242';

/** An error with fields as drivers put them on theirs. */
function errorWith(message: string, fields: object, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), fields);
}

describe('an error in the log', () => {
  it('tells what, where and of which kind', () => {
    const error = errorWith('duplicate key', { code: '23505', constraint: 'users_email', table: 'users' });
    expect(errorForLog(error)).toEqual({
      type: 'Error',
      message: 'duplicate key',
      stack: expect.stringMatching(/^Error: duplicate key\n\s+at .*error-for-log\.spec/),
      code: '23505',
      constraint: 'users_email',
      table: 'users',
    });
  });

  it.each([
    ['the parameters of a statement', errorWith('refused', { parameters: [CANARY], query: 'INSERT' })],
    ['the row', errorWith('refused', { code: '23514', detail: `Failing row contains (${CANARY}).` })],
    ['where', errorWith('refused', { where: `portal "" parameter $1 = '${CANARY}'` })],
    [
      'a value in the message',
      errorWith(`invalid input syntax for type uuid: "${CANARY}"`, { code: '22P02' }),
    ],
    ['the request', errorWith('refused', { config: { headers: { authorization: CANARY } } })],
    ['the driver’s own error', errorWith('refused', { driverError: errorWith('x', { detail: CANARY }) })],
    ['a cause', errorWith('refused', {}, errorWith('x', { parameters: [CANARY] }))],
    ['what is no error', CANARY],
    ['a cause that is no error', errorWith('refused', {}, { card: CANARY })],
  ])('says nothing of %s', (_, error) => {
    expect(JSON.stringify(errorForLog(error))).not.toContain(CANARY);
  });

  it('has an end, even when it is its own cause', () => {
    const error = new Error('round and round');
    error.cause = error;
    expect(JSON.stringify(errorForLog(error)).length).toBeLessThan(20_000);
  });
});
