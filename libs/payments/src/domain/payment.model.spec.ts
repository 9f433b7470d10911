import fc from 'fast-check';
import { allocate, money } from '#kernel';
import { LEDGER_ACCOUNTS, totalOf } from './ledger.js';
import { CAPTURE_MODES, type PaymentChange } from './payment-state.js';
import type { GatewayOutcome } from './payment-gateway.js';
import { PAYMENT_TRANSITIONS } from './payment-status.js';
import { type Answer, type ModelOperation, PaymentModel } from './testing/payment-model.js';
import {
  DECLINED,
  FAILED,
  type PaymentOptions,
  REQUIRES_ACTION,
  StoredPayment,
  SUCCEEDED,
} from './testing/stored-payment.js';

/** A command: what is asked of the payment, and what the model says must come of it. */
class Step implements fc.Command<PaymentModel, StoredPayment> {
  constructor(
    private readonly name: string,
    private readonly ask: (payment: StoredPayment, model: PaymentModel) => void,
    private readonly foretell: (model: PaymentModel) => Answer,
    private readonly isOffered: (model: PaymentModel) => boolean = () => true,
  ) {}

  check(model: PaymentModel): boolean {
    return this.isOffered(model);
  }

  run(model: PaymentModel, payment: StoredPayment): void {
    const loggedBefore = payment.log.length;
    const thrown = thrownBy(() => this.ask(payment, model));
    const answer = this.foretell(model);
    if ('refused' in answer) {
      expect(thrown).toMatchObject({ code: answer.refused });
    } else {
      expect(thrown).toBeUndefined();
      expect(payment.log.length - loggedBefore).toBe(answer.changes);
    }
    expectAgreement(model, payment);
    expect(brokenInvariants(payment)).toEqual([]);
    expectTrueBooks(payment);
  }

  toString(): string {
    return this.name;
  }
}

function thrownBy(act: () => void): unknown {
  try {
    act();
    return undefined;
  } catch (thrown) {
    return thrown;
  }
}

function expectAgreement(model: PaymentModel, { state, allocations, openOperations }: StoredPayment): void {
  expect({
    status: state.status,
    authorized: state.authorizedAmount,
    captured: totalOf(state.captured),
    refunded: totalOf(state.refunded),
    pendingRefunds: state.pendingRefundAmount,
    lines: [...allocations.values()].map(({ refundedAmount }) => refundedAmount),
    open: openOperations.map(({ id, kind, amount }) => ({ id, kind, amount })),
  }).toEqual({
    status: model.status,
    authorized: model.authorized,
    captured: model.captured,
    refunded: model.refunded,
    pendingRefunds: model.pendingRefunds,
    lines: model.lines.map(({ refunded }) => refunded),
    open: model.openOperations.map(({ id, kind, amount }) => ({ id, kind, amount })),
  });
}

/** The rules that hold for every payment at any moment, whatever the model thinks; returns those that are broken. */
function brokenInvariants(payment: StoredPayment): string[] {
  const { state, ledger, log, allocations, openOperations } = payment;
  const { total, captured, refunded, pendingRefundAmount, authorizedAmount } = state;
  const statuses = log.map((entry) => entry.state.status);
  const single = openOperations.map(({ kind }) => kind).filter((kind) => kind !== 'refund');
  const rules = {
    '0 <= refunded + pending <= captured <= authorized <= total': isAscending(
      0,
      totalOf(refunded),
      totalOf(refunded) + pendingRefundAmount,
      totalOf(captured),
      authorizedAmount,
      totalOf(total),
    ),
    'the same holds for goods, shipping and tax': (['goods', 'shipping', 'tax'] as const).every((part) =>
      isAscending(0, refunded[part], captured[part], total[part]),
    ),
    'no line is refunded beyond its allocation': [...allocations.values()].every((line) =>
      isAscending(0, line.refundedAmount, line.amount),
    ),
    'every ledger entry sums to zero': ledger.every(({ postings }) => sumOf(postings) === 0),
    'an operation has one entry at most': areDistinct(ledger.map(({ operationId }) => String(operationId))),
    'each change is one version': log.every((entry, index) => entry.state.version === index + 1),
    'the last change is the state': log.at(-1)?.state === state,
    'the status goes only where the table says, and ends stay': statuses.every((to, index) => {
      const from = statuses[index - 1] ?? to;
      return to === from || PAYMENT_TRANSITIONS[from].includes(to);
    }),
    'there is an outcome to wait for while processing only':
      (state.outcome !== null) === (state.status === 'processing'),
    'one operation of a kind is open at most, but for refunds': areDistinct(single),
  };
  const broken = Object.entries(rules).filter(([, holds]) => !holds);
  return broken.map(([rule]) => rule);
}

/** What the accounts must show is what the payment says of itself. */
function expectTrueBooks({ state: { captured, refunded }, ledger }: StoredPayment): void {
  const postings = ledger.flatMap((entry) => entry.postings);
  const balances = LEDGER_ACCOUNTS.map(
    (account) => [account, sumOf(postings.filter((posting) => posting.account === account))] as const,
  );
  expect(Object.fromEntries(balances)).toEqual({
    gateway_clearing: totalOf(captured) - totalOf(refunded),
    sales: 0 - captured.goods,
    sales_refunds: refunded.goods,
    shipping: refunded.shipping - captured.shipping,
    tax_payable: refunded.tax - captured.tax,
    disputes: 0,
    fees: 0,
  });
}

function isAscending(...amounts: readonly number[]): boolean {
  return amounts.every((amount, index) => index === 0 || amounts[index - 1]! <= amount);
}

function areDistinct(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}

function sumOf(amounts: readonly { readonly amount: number }[]): number {
  return amounts.reduce((sum, { amount }) => sum + amount, 0);
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
  fc.constantFrom<GatewayOutcome>(DECLINED, FAILED, REQUIRES_ACTION),
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
  ask: (payment: StoredPayment, operationId: string) => void,
  foretell: (model: PaymentModel, operation: ModelOperation) => Answer,
): fc.Arbitrary<Step> {
  const pick = ({ operations }: PaymentModel, age: number) => operations.at(-1 - (age % operations.length))!;
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

/** Outcomes, captures and refunds come often, so that most runs get somewhere. */
const anyCommands = fc.commands(
  [
    fc.oneof({ weight: 4, arbitrary: carryOut }, loseAnswer, send, resolve, markUnknown),
    fc.oneof({ weight: 2, arbitrary: requestCapture }, requestRefund, requestRefundOfLines),
    fc.oneof(carryOut, fc.constantFrom(retry, retry, requestVoid, cancel)),
  ],
  { maxCommands: 40, size: 'max' },
);

/** Carries out what is open, then gives up, or gives back, whatever is left. */
function settle(payment: StoredPayment): void {
  for (const { id } of payment.openOperations) payment.carryOut(id, SUCCEEDED);
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
        expect(brokenInvariants(payment)).toEqual([]);
        expectTrueBooks(payment);
        // Goods, shipping and tax have each gone back to the last unit.
        expect(payment.state.refunded).toEqual(payment.state.captured);
        for (const { change } of payment.log) seen.add(change);
      }),
      { numRuns: 600 },
    );
    // The commands above are worth nothing if they never get anywhere.
    expect([...seen].sort()).toEqual([
      'action_required',
      'authorized',
      'canceled',
      'capture_failed',
      'capture_requested',
      'captured',
      'created',
      'declined',
      'outcome_unknown',
      'refund_failed',
      'refund_requested',
      'refunded',
      'retried',
      'void_failed',
      'void_requested',
    ]);
  });
});
