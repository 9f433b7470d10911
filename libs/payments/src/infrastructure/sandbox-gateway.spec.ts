import { BEHAVIOUR_NAMES } from '#simulated-gateway';
import type { GatewayOutcome } from '../domain/payment-gateway.js';
import { SandboxGateway } from './sandbox-gateway.js';

const OPERATION_ID = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10';
const OTHER_OPERATION_ID = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11';
const METHODS = [
  'pm_card_visa',
  'pm_card_mastercard',
  'pm_card_chargeDeclined',
  'pm_card_chargeDeclinedInsufficientFunds',
  'pm_card_authenticationRequired',
  'pm_sim_timeout_after_effect',
  'pm_sim_timeout_before_effect',
  'pm_sim_slow',
  'pm_sim_error_500',
  'pm_sim_capture_fails',
  'pm_sim_refund_fails',
];

let gateway: SandboxGateway;
let aborter: AbortController;

beforeEach(() => {
  jest.useFakeTimers();
  gateway = new SandboxGateway();
  aborter = new AbortController();
});

afterEach(() => {
  jest.useRealTimers();
});

const request = (operationId = OPERATION_ID) => ({
  operationId,
  amount: 1_250,
  currency: 'GBP',
  signal: aborter.signal,
});
const authorize = (method: string, operationId?: string) =>
  gateway.authorize({ ...request(operationId), method, captureNow: false });
const authorizeAndCapture = (method: string) => gateway.authorize({ ...request(), method, captureNow: true });

/** What a call has answered when its client gives up, long after; undefined when there was no answer. */
async function answerOf(call: Promise<GatewayOutcome>): Promise<GatewayOutcome | undefined> {
  const answer = call.catch(() => undefined);
  await jest.advanceTimersByTimeAsync(60_000);
  aborter.abort();
  aborter = new AbortController();
  return answer;
}

/** Authorizes, with a second try where the first goes wrong, and returns the gateway's name for the payment. */
async function authorized(method: string): Promise<string> {
  const answer = (await answerOf(authorize(method))) ?? (await answerOf(authorize(method)));
  if (answer?.result !== 'succeeded') throw new Error(`${method} was not authorized.`);
  return answer.gatewayId;
}

describe('the sandbox knows', () => {
  const isToldLater = (name: string) =>
    name.startsWith('webhook_') || name === 'fails_later' || name === 'disputed';

  it.each([
    ...METHODS,
    'pm_card_amex',
    'pm_card_chargeDeclinedExpiredCard',
    'pm_card_chargeDeclinedProcessingError',
    'pm_card_pendingRefund',
    'pm_sim_void_reset_after_effect',
    ...BEHAVIOUR_NAMES.filter((name) => !isToldLater(name)).map((name) => `pm_sim_${name}`),
  ])('%s', (method) => {
    expect(gateway.knowsMethod(method)).toBe(true);
  });

  it.each([
    '',
    'pm_card_unknown',
    'PM_CARD_VISA',
    'pm_card_visa ',
    'toString',
    '__proto__',
    'constructor',
    'pm_card_refundFail',
    'pm_card_createDispute',
    'pm_card_credit_disableEnterpriseCardFeatures',
    'pm_sim_refund_fails_later',
    ...BEHAVIOUR_NAMES.filter(isToldLater).map((name) => `pm_sim_${name}`),
  ])('no method %j', (method) => {
    expect(gateway.knowsMethod(method)).toBe(false);
  });
});

describe('an authorization', () => {
  it.each([
    ['pm_card_visa', { result: 'succeeded', gatewayId: `sbx_${OPERATION_ID}_pm_card_visa` }],
    ['pm_card_mastercard', { result: 'succeeded', gatewayId: `sbx_${OPERATION_ID}_pm_card_mastercard` }],
    ['pm_card_chargeDeclined', { result: 'declined', declineCode: 'generic_decline' }],
    ['pm_card_chargeDeclinedInsufficientFunds', { result: 'declined', declineCode: 'insufficient_funds' }],
    ['pm_card_chargeDeclinedExpiredCard', { result: 'declined', declineCode: 'expired_card' }],
    ['pm_card_authenticationRequired', { result: 'requires_action' }],
    ['pm_sim_fails', { result: 'declined', declineCode: 'generic_decline' }],
    ['pm_none', { result: 'failed', declineCode: 'resource_missing' }],
    ['pm_sim_capture_fails', { result: 'succeeded', gatewayId: `sbx_${OPERATION_ID}_pm_sim_capture_fails` }],
    ['pm_sim_refund_fails', { result: 'succeeded', gatewayId: `sbx_${OPERATION_ID}_pm_sim_refund_fails` }],
  ])('with %s ends at once as %j', async (method, outcome) => {
    expect(await authorize(method)).toMatchObject(outcome);
  });

  it.each(['pm_sim_timeout_after_effect', 'pm_sim_timeout_before_effect'])(
    'with %s never answers at first: the wait ends with the signal, for its reason',
    async (method) => {
      const answered = jest.fn();
      const call = authorize(method);
      void call.then(answered, answered);
      await jest.advanceTimersByTimeAsync(3_600_000);
      expect(answered).not.toHaveBeenCalled();
      const reason = new Error('The deadline has passed.');
      aborter.abort(reason);
      await expect(call).rejects.toBe(reason);
    },
  );

  it('that would hang does not begin when the signal has fired already', async () => {
    aborter.abort(new Error('The deadline has passed.'));
    await expect(authorize('pm_sim_timeout_after_effect')).rejects.toThrow('The deadline has passed.');
  });

  it.each([
    ['pm_sim_error_500', 'The sandbox answered 500.'],
    ['pm_sim_error_500_after_effect', 'The sandbox answered 500.'],
    ['pm_sim_rate_limited', 'The sandbox answered 429.'],
    ['pm_sim_reset_before_effect', 'The sandbox broke the connection.'],
    ['pm_sim_reset_after_effect', 'The sandbox broke the connection.'],
  ])('with %s fails at first without saying what happened', async (method, message) => {
    await expect(authorize(method)).rejects.toThrow(message);
    expect(await authorize(method)).toMatchObject({ result: 'succeeded' });
  });

  it('with pm_sim_slow takes three seconds, every time', async () => {
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const answered = jest.fn();
      const call = authorize('pm_sim_slow').then(answered);
      await jest.advanceTimersByTimeAsync(2_999);
      expect(answered).not.toHaveBeenCalled();
      await jest.advanceTimersByTimeAsync(1);
      await call;
      expect(answered).toHaveBeenCalledWith(expect.objectContaining({ result: 'succeeded' }));
    }
  });

  it('with pm_sim_slow waits no longer than the signal lets it, and leaves no timer behind', async () => {
    const call = authorize('pm_sim_slow');
    await jest.advanceTimersByTimeAsync(1_000);
    aborter.abort(new Error('The client has gone.'));
    await expect(call).rejects.toThrow('The client has gone.');
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('an authorization that captures at once', () => {
  it('is declined as a whole with pm_sim_capture_fails, because its capture would fail', async () => {
    const declined = { result: 'declined', declineCode: 'capture_refused' };
    expect(await authorizeAndCapture('pm_sim_capture_fails')).toEqual(declined);
    expect(await authorizeAndCapture('pm_sim_capture_fails')).toEqual(declined);
  });

  it.each(METHODS.filter((method) => method !== 'pm_sim_capture_fails'))(
    'with %s answers as one that does not',
    async (method) => {
      const answer = await answerOf(authorizeAndCapture(method));
      gateway = new SandboxGateway();
      // What is not captured yet has an end beside that.
      expect((await answerOf(authorize(method)))?.result).toBe(answer?.result);
    },
  );
});

describe('an operation that is sent again', () => {
  it.each(METHODS)('gets the same answer with %s, also from a gateway that was restarted', async (method) => {
    const first = await answerOf(authorize(method));
    const second = await answerOf(authorize(method));
    expect(second).toBeDefined();
    expect(first ?? second).toEqual(second);
    expect(await answerOf(authorize(method))).toEqual(second);

    gateway = new SandboxGateway();
    const afterRestart = (await answerOf(authorize(method))) ?? (await answerOf(authorize(method)));
    expect(afterRestart).toEqual(second);
  });

  it.each(['pm_sim_timeout_after_effect', 'pm_sim_timeout_before_effect', 'pm_sim_error_500'])(
    'succeeds with %s, whatever became of the first try',
    async (method) => {
      expect(await answerOf(authorize(method))).toBeUndefined();
      expect(await authorize(method)).toMatchObject({ result: 'succeeded' });
    },
  );

  it.each(['pm_sim_error_500_kept_before_effect', 'pm_sim_error_500_kept_after_effect'])(
    'never gets another answer than 500 with %s, which is kept under its key',
    async (method) => {
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        await expect(authorize(method)).rejects.toThrow('The sandbox answered 500.');
      }
    },
  );

  it('is told apart from another one: the first try of each goes wrong', async () => {
    await answerOf(authorize('pm_sim_error_500'));
    await expect(authorize('pm_sim_error_500', OTHER_OPERATION_ID)).rejects.toThrow();
    expect(await authorize('pm_sim_error_500')).not.toEqual(
      await authorize('pm_sim_error_500', OTHER_OPERATION_ID),
    );
  });
});

describe('after an authorization', () => {
  const followUp = (gatewayPaymentId: string) => ({ ...request(OTHER_OPERATION_ID), gatewayPaymentId });
  const methodsThatAuthorize = METHODS.filter(
    (method) => !method.startsWith('pm_card_chargeDeclined') && method !== 'pm_card_authenticationRequired',
  );

  it.each(methodsThatAuthorize)('with %s, what follows does what the method says', async (method) => {
    const paymentId = await authorized(method);
    const captured = await gateway.capture(followUp(paymentId));
    const refunded = await gateway.refund(followUp(paymentId));
    const refusedAs = (declineCode: string) => ({ result: 'failed', declineCode });
    expect(captured).toEqual(
      method === 'pm_sim_capture_fails'
        ? refusedAs('capture_refused')
        : { result: 'succeeded', gatewayId: `sbx_cap_${OTHER_OPERATION_ID}` },
    );
    expect(refunded).toEqual(
      method === 'pm_sim_refund_fails'
        ? refusedAs('refund_refused')
        : { result: 'succeeded', gatewayId: `sbx_re_${OTHER_OPERATION_ID}` },
    );
    expect(await gateway.void(followUp(paymentId))).toEqual({
      result: 'succeeded',
      gatewayId: `sbx_void_${OTHER_OPERATION_ID}`,
    });
  });

  it.each(['capture', 'void', 'refund'] as const)(
    'a %s that is sent again gets the same answer',
    async (kind) => {
      for (const method of methodsThatAuthorize) {
        const sent = followUp(await authorized(method));
        expect(await gateway[kind](sent)).toEqual(await gateway[kind](sent));
      }
    },
  );

  it.each(['capture', 'void', 'refund'] as const)(
    'a %s goes wrong at first where the method says so, and then has its effect',
    async (kind) => {
      const hanging = followUp(await authorized(`pm_sim_${kind}_timeout_after_effect`));
      const call = gateway[kind](hanging);
      aborter.abort(new Error('The deadline has passed.'));
      await expect(call).rejects.toThrow('The deadline has passed.');
      expect(await gateway[kind](hanging)).toMatchObject({ result: 'succeeded' });

      const broken = followUp(await authorized(`pm_sim_${kind}_reset_before_effect`));
      gateway = new SandboxGateway();
      await expect(gateway[kind](broken)).rejects.toThrow('The sandbox broke the connection.');
      expect(await gateway[kind](broken)).toMatchObject({ result: 'succeeded' });
    },
  );

  it.each(['capture', 'void', 'refund'] as const)(
    'a %s fails for good where the bank refuses',
    async (kind) => {
      const sent = followUp(await authorized(`pm_sim_${kind}_fails`));
      const refused = { result: 'failed', declineCode: `${kind}_refused` };
      expect(await gateway[kind](sent)).toEqual(refused);
      expect(await gateway[kind](sent)).toEqual(refused);
    },
  );

  it.each(['pm_card_pendingRefund', 'pm_sim_refund_pending'])(
    'a refund with %s is pending, and settled by the time that it is asked for again',
    async (method) => {
      const sent = followUp(await authorized(method));
      await expect(gateway.refund(sent)).rejects.toThrow('The refund is pending.');
      const settled = { result: 'succeeded', gatewayId: `sbx_re_${OTHER_OPERATION_ID}` };
      expect(await gateway.refund(sent)).toEqual(settled);
      expect(await gateway.refund(sent)).toEqual(settled);
    },
  );
});
