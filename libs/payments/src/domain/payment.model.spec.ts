import fc from 'fast-check';
import { allocate, money } from '#kernel';
import { type Dispute, DISPUTE_STATUSES } from './dispute.js';
import { totalOf } from './ledger.js';
import { CAPTURE_MODES, type PaymentChange } from './payment-state.js';
import type { GatewayOutcome } from './payment-gateway.js';
import { type Answer, type ModelOperation, PaymentModel } from './testing/payment-model.js';
import { brokenRules } from './testing/payment-rules.js';
import {
  DECLINED,
  FAILED,
  type PaymentOptions,
  REQUIRES_ACTION,
  SENT_BACK,
  StoredPayment,
  SUCCEEDED,
} from './testing/stored-payment.js';

const SAID = { by: 'user:ada', reason: 'seen in the dashboard' };

/** A command: what is asked of the payment, and what the model says must come of it. */
class Step implements fc.Command<PaymentModel, StoredPayment> {
  constructor(
    private readonly name: string,
    private readonly ask: (payment: StoredPayment, model: PaymentModel) => unknown,
    private readonly foretell: (model: PaymentModel) => Answer,
    private readonly isOffered: (model: PaymentModel) => boolean = () => true,
  ) {}

  check(model: PaymentModel): boolean {
    return this.isOffered(model);
  }

  run(model: PaymentModel, payment: StoredPayment): void {
    const loggedBefore = payment.log.length;
    const { returned, thrown } = outcomeOf(() => this.ask(payment, model));
    const answer = this.foretell(model);
    if ('refused' in answer) {
      expect(thrown).toMatchObject({ code: answer.refused });
    } else {
      expect(thrown).toBeUndefined();
      expect(payment.log.length - loggedBefore).toBe(answer.changes);
      if ('returns' in answer) expect(returned).toBe(answer.returns);
    }
    expectAgreement(model, payment);
    expect(brokenRules(payment)).toEqual([]);
  }

  toString(): string {
    return this.name;
  }
}

function outcomeOf(act: () => unknown): { returned?: unknown; thrown?: unknown } {
  try {
    return { returned: act() };
  } catch (thrown) {
    return { thrown };
  }
}

/** The payment is what its model says. */
function expectAgreement(model: PaymentModel, { state, allocations, openOperations }: StoredPayment): void {
  expect({
    status: state.status,
    authorized: state.authorizedAmount,
    captured: totalOf(state.captured),
    refunded: totalOf(state.refunded),
    pendingRefunds: state.pendingRefundAmount,
    disputed: state.disputedAmount,
    lines: [...allocations.values()].map(({ refundedAmount }) => refundedAmount),
    open: openOperations.map(({ id, kind, amount, needsAttention }) => ({
      id,
      kind,
      amount,
      needsAttention,
    })),
  }).toEqual({
    status: model.status,
    authorized: model.authorized,
    captured: model.captured,
    refunded: model.refunded,
    pendingRefunds: model.pendingRefunds,
    disputed: model.disputed,
    lines: model.lines.map(({ refunded }) => refunded),
    open: model.openOperations.map(({ id, kind, amount, needsAttention }) => ({
      id,
      kind,
      amount,
      needsAttention,
    })),
  });
}

const anyMinor = fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 100_000_000 }));

/** Any total in any capture mode, with up to five lines whose frozen shares sum to it. */
const anyOpening: fc.Arbitrary<Required<PaymentOptions>> = fc
  .record({
    captureMode: fc.constantFrom(...CAPTURE_MODES),
    total: fc.record({ goods: anyMinor, shipping: anyMinor, tax: anyMinor }),
    weights: fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 5 }),
  })
  .map(({ captureMode, total, weights }) => ({
    captureMode,
    total,
    lines: allocate(money(totalOf(total), 'GBP'), weights).map(({ amount }, index) => ({
      lineId: `line ${index}`,
      amount,
    })),
  }));

/** An amount to ask for: a few units, rarely none or fewer, or a share of the payment's total, even beyond all of it. */
const anyAmount = fc
  .oneof(
    fc.record({ units: fc.integer({ min: -1, max: 9 }) }),
    fc.record({ percent: fc.integer({ min: 1, max: 110 }) }),
  )
  .map((asked) => ({
    of: (total: number) =>
      'units' in asked ? asked.units : Math.max(1, Math.floor((total * asked.percent) / 100)),
    toString: () => JSON.stringify(asked),
  }));
const anyAmountOrRest = fc.option(anyAmount, { nil: undefined, freq: 3 });
const anyRefundLines = fc.array(
  fc.record({ lineId: fc.nat({ max: 5 }).map((index) => `line ${index}`), amount: anyAmountOrRest }),
  { minLength: 1, maxLength: 3 },
);
const anyOutcome = fc.oneof(
  { weight: 3, arbitrary: fc.constant(SUCCEEDED) },
  fc.constantFrom<GatewayOutcome>(DECLINED, FAILED, REQUIRES_ACTION, SENT_BACK),
);

const retry = new Step(
  'retry',
  (payment, { nextOperationId }) => payment.update((it) => it.retry(nextOperationId, 'pm_card_visa')),
  (model) => model.retry(),
);
const requestVoid = new Step(
  'requestVoid',
  (payment, { nextOperationId }) => payment.update((it) => it.requestVoid(nextOperationId)),
  (model) => model.requestVoid(),
);
const cancel = new Step(
  'cancel',
  (payment) => payment.update((it) => it.cancel()),
  (model) => model.cancel(),
);
const requestCapture = anyAmountOrRest.map(
  (amount) =>
    new Step(
      `requestCapture(${String(amount ?? 'rest')})`,
      (payment, { nextOperationId, total }) =>
        payment.update((it) => it.requestCapture(nextOperationId, amount?.of(total))),
      (model) => model.requestCapture(amount?.of(model.total)),
    ),
);
const requestRefund = anyAmountOrRest.map(
  (amount) =>
    new Step(
      `requestRefund(${String(amount ?? 'rest')})`,
      (payment, { nextOperationId: id, total }) =>
        payment.update((it) =>
          it.requestRefund({ refundId: id, operationId: id, amount: amount?.of(total), reason: null }),
        ),
      (model) => model.requestRefund(amount?.of(model.total)),
    ),
);
const requestRefundOfLines = anyRefundLines.map((asked) => {
  const linesOf = (total: number) =>
    asked.map(({ lineId, amount }) => ({ lineId, amount: amount?.of(total) }));
  return new Step(
    `requestRefund(${asked.map(({ lineId, amount }) => `${lineId}: ${String(amount ?? 'rest')}`).join(', ')})`,
    (payment, { nextOperationId: id, total }) =>
      payment.update((it) =>
        it.requestRefund({ refundId: id, operationId: id, lines: linesOf(total), reason: null }),
      ),
    (model) => model.requestRefundOfLines(linesOf(model.total)),
  );
});

/** A step on an operation that there was: the newest, or an older one, which may be resolved already. */
function onOperation(
  name: string,
  ask: (payment: StoredPayment, operationId: string) => unknown,
  foretell: (model: PaymentModel, operation: ModelOperation) => Answer,
): fc.Arbitrary<Step> {
  const pick = ({ operations }: PaymentModel, age: number): ModelOperation => {
    const picked = operations.at(-1 - (age % operations.length));
    if (!picked) throw new Error('There is no operation yet.');
    return picked;
  };
  return fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat({ max: 6 })).map(
    (age) =>
      new Step(
        `${name}(${age} before the newest)`,
        (payment, model) => ask(payment, pick(model, age).id),
        (model) => foretell(model, pick(model, age)),
        ({ operations }) => operations.length > 0,
      ),
  );
}

const send = onOperation(
  'send',
  (payment, id) => payment.send(id),
  (model, operation) => model.send(operation),
);
const markUnknown = onOperation(
  'markUnknown',
  (payment, id) => payment.update((it) => it.markUnknown(id)),
  (model, operation) => model.markUnknown(operation),
);
const loseAnswer = onOperation(
  'lose the answer',
  (payment, id) => {
    payment.send(id);
    payment.update((it) => it.markUnknown(id));
  },
  (model, operation) => {
    model.send(operation);
    return model.markUnknown(operation);
  },
);
const resolve = anyOutcome.chain((outcome) =>
  onOperation(
    `resolve as ${outcome.result}`,
    (payment, id) => payment.update((it) => it.resolve(id, outcome)),
    (model, operation) => model.resolve(operation, outcome),
  ),
);
const carryOut = anyOutcome.chain((outcome) =>
  onOperation(
    `carry out as ${outcome.result}`,
    (payment, id) => payment.carryOut(id, outcome),
    (model, operation) => {
      model.send(operation);
      return model.resolve(operation, outcome);
    },
  ),
);

/** The gateway tells by itself what became of an operation; rarely of another amount than was asked for. */
const report = fc
  .tuple(anyOutcome, fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.constant(1)))
  .chain(([outcome, excess]) =>
    onOperation(
      `report ${outcome.result}${excess > 0 ? ' of another amount' : ''}`,
      (payment, id) => payment.learn(id, outcome, (payment.operations.get(id)?.amount ?? 0) + excess),
      (model, operation) => model.learn(operation, outcome, excess === 0),
    ),
  );
const reportEnd = new Step(
  'report the end of the authorization',
  (payment) => payment.ask((it) => it.endAuthorization()),
  (model) => model.endAuthorization(),
);
const dispute = fc
  .record({
    gatewayId: fc.constantFrom('dp_1', 'dp_1', 'dp_1', 'dp_2'),
    status: fc.constantFrom(...DISPUTE_STATUSES),
    percent: fc.integer({ min: 1, max: 100 }),
  })
  .map(({ gatewayId, status, percent }) => {
    const told = (captured: number): Dispute => ({
      id: `dispute ${gatewayId}`,
      gatewayId,
      amount: Math.max(1, Math.floor((captured * percent) / 100)),
      reason: 'fraudulent',
      status,
      respondBy: null,
    });
    return new Step(
      `dispute ${gatewayId} about ${percent}%: ${status}`,
      (payment, { captured }) => payment.ask((it) => it.trackDispute(told(captured))),
      (model) => model.trackDispute(told(model.captured)),
      ({ captured }) => captured > 0,
    );
  });
const requireAttention = onOperation(
  'requireAttention',
  (payment, id) => payment.update((it) => it.requireAttention(id)),
  (model, operation) => model.requireAttention(operation),
);
/** Staff say what became of an operation; without an outcome the gateway shall be asked again. */
const decide = fc.option(anyOutcome, { nil: undefined, freq: 3 }).chain((outcome) =>
  onOperation(
    `decide ${outcome?.result ?? 'to ask again'}`,
    (payment, id) => payment.update((it) => it.decide(id, outcome, SAID), id),
    (model, operation) => model.decide(operation, outcome),
  ),
);
/** The answer is lost, nobody can find it out, staff decide, and the gateway says something after all. */
const decideAndHear = fc.tuple(anyOutcome, anyOutcome).chain(([said, heard]) =>
  onOperation(
    `lose the answer, decide ${said.result}, and hear ${heard.result}`,
    (payment, id) => {
      payment.send(id);
      payment.update((it) => it.requireAttention(id));
      if (payment.operations.get(id)?.needsAttention) payment.update((it) => it.decide(id, said, SAID), id);
      return payment.learn(id, heard);
    },
    (model, operation) => model.decideAndHear(operation, said, heard),
  ),
);

/** Outcomes, captures and refunds come often, so that most runs get somewhere. */
const anyCommands = fc.commands(
  [
    fc.oneof({ weight: 4, arbitrary: carryOut }, loseAnswer, send, resolve, markUnknown),
    fc.oneof({ weight: 2, arbitrary: requestCapture }, requestRefund, requestRefundOfLines),
    fc.oneof(carryOut, fc.constantFrom(retry, retry, requestVoid, cancel)),
    fc.oneof({ weight: 3, arbitrary: report }, { weight: 3, arbitrary: dispute }, fc.constant(reportEnd)),
    fc.oneof(requireAttention, decide, decideAndHear),
  ],
  { maxCommands: 40, size: 'max' },
);

/** Carries out what is open, wins what is disputed, then gives up, or gives back, whatever is left. */
function settle(payment: StoredPayment): void {
  for (const { id } of payment.openOperations) payment.carryOut(id, SUCCEEDED);
  for (const each of payment.disputes.values())
    payment.update((it) => it.trackDispute({ ...each, status: 'won' }));
  if (payment.state.authorizedAmount > totalOf(payment.state.captured)) {
    payment.update((it) => it.requestVoid('last void'));
    payment.carryOut('last void', SUCCEEDED);
  }
  if (totalOf(payment.state.captured) > totalOf(payment.state.refunded))
    payment.refund({ id: 'last refund' });
}

describe('a payment', () => {
  it('does what its model says and keeps every invariant, whatever is asked of it in whatever order', () => {
    const seen = new Set<PaymentChange>();
    fc.assert(
      fc.property(anyOpening, anyCommands, (opening, commands) => {
        const model = new PaymentModel(opening.captureMode, opening.total, opening.lines);
        const payment = StoredPayment.open(opening);
        expectAgreement(model, payment);
        fc.modelRun(() => ({ model, real: payment }), commands);
        settle(payment);
        expect(brokenRules(payment)).toEqual([]);
        // Goods, shipping and tax have each gone back to the last unit.
        expect(payment.state.refunded).toEqual(payment.state.captured);
        for (const { change } of payment.log) seen.add(change);
      }),
      { numRuns: 600 },
    );
    // The commands above are worth nothing if they never get anywhere.
    expect([...seen].sort()).toEqual([
      'action_required',
      'asked_again',
      'authorization_expired',
      'authorized',
      'canceled',
      'capture_failed',
      'capture_requested',
      'captured',
      'created',
      'declined',
      'dispute_updated',
      'disputed',
      'needs_attention',
      'outcome_unknown',
      'refund_failed',
      'refund_requested',
      'refund_reversed',
      'refunded',
      'retried',
      'void_failed',
      'void_requested',
    ]);
  });
});
