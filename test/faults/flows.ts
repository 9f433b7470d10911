import { eventually } from '../support/eventually.js';
import {
  type Behaviour,
  behavioursOf,
  type GatewayStep,
  isRefused,
  methodFor,
  needsLadder,
} from './behaviours.js';
import { type Answer, type Caller, type KeyedCall, keyedCall, type Role } from './caller.js';
import type { Product, Rig } from './rig.js';

const ORDERS = '/api/v1/orders';
const PAYMENTS = '/api/v1/payments';

/** Long enough for everything in which nobody misbehaves. */
const PREPARATION_MS = 20_000;

/** One cell while it runs: an order of its own for a product of its own, so that it shares no lock with another. */
export interface Stage {
  readonly caller: Caller;
  readonly product: Product;
  readonly behaviour: Behaviour;
  /** A card that the bank declines and no other cell of the wave uses; only where the flow wants one. */
  readonly decliningCard: string | undefined;
  /** A number that no other cell has. */
  readonly number: number;
  order?: Answer['body'];
}

/** How the order and its payment, and the answer to the client, are at rest. */
export interface Ending {
  readonly answer: number;
  readonly order: string;
  readonly payment: string;
}

interface FlowBase {
  readonly name: string;
  /** The failpoints on its way that it is a row of the matrix for. */
  readonly passes: readonly string[];
  /** Those that its calls pass as well, and that are rows of other flows. */
  readonly passesOnTheWay?: readonly string[];
  readonly behaviours: readonly Behaviour[];
  /** At most so many cells at once. */
  readonly mostAtOnce?: number;
  /** Its cells share no wave with those of other flows. */
  readonly isAlone?: boolean;
  /** Why a cell cannot get to its failpoint by nature; undefined when it can. */
  readonly unreached?: (behaviour: Behaviour) => string | undefined;
  /** Cells are to use cards that the bank declines. */
  readonly needsDecliningCard?: boolean;
  /** Brings the shop to where the flow begins, while nobody breaks anything. */
  readonly prepare: (stage: Stage) => Promise<void>;
  readonly endingOf: (behaviour: Behaviour) => Ending;
}

/** A flow that a client's call passes through; the call is held, and made again after the crash. */
export interface ClientFlow extends FlowBase {
  readonly carriedOutBy: 'client';
  readonly act: (stage: Stage) => KeyedCall;
}

/** A flow that the worker passes through by itself. */
export interface WorkerFlow extends FlowBase {
  readonly carriedOutBy: 'worker';
  /** Gives the worker something to do for all cells at once; returns their calls, where there are any. */
  readonly provoke: (rig: Rig, stages: readonly Stage[]) => Promise<(KeyedCall | undefined)[]>;
  /** How many callers are held when all of the cells are. */
  readonly heldAtOnce: (cells: number) => number;
}

export type Flow = ClientFlow | WorkerFlow;

/** A keyed call whose effect goes on after its first transaction, and one whose effect fits in it. */
const RESUMABLE = ['claimed', 'begun', 'committed', 'completed', 'finished'].map((at) => `idempotency.${at}`);
const ONCE = ['claimed', 'begun', 'finished'].map((at) => `idempotency.${at}`);

const operation = (step: GatewayStep): string[] =>
  ['claimed', 'sent', 'answered', 'recording', 'recorded'].map((at) => `payments.${step}.${at}`);

/** What an event passes between the transaction that made it and its consumers. */
const RELAYED = [
  ...['read', 'delivered', 'marked', 'published'].map((at) => `messaging.relay.${at}`),
  ...['applied', 'committed'].map((at) => `messaging.consumer.${at}`),
];

/** So many are under way to one partner. */
const MAX_WEBHOOKS_AT_ONCE = 4;

/** Of a flow in which the gateway has no part. */
const UNDISTURBED: readonly Behaviour[] = ['plain'];

const PLACED: Ending = { answer: 201, order: 'confirmed', payment: 'captured' };
const DECLINED: Ending = { answer: 402, order: 'pending_payment', payment: 'requires_payment_method' };
const WAITS_FOR_SHOPPER: Ending = { ...DECLINED, payment: 'requires_action' };

/** Where an authorization ends that was asked for with `behaviour`. */
function authorizationEnding(behaviour: Behaviour, granted: Ending): Ending {
  if (behaviour === 'fails' || needsLadder(behaviour)) return DECLINED;
  return behaviour === 'action_required' ? WAITS_FOR_SHOPPER : granted;
}

const endings =
  (done: Ending, refused: Ending) =>
  (behaviour: Behaviour): Ending =>
    isRefused(behaviour) ? refused : done;

type Capture = 'automatic' | 'manual' | 'on_fulfillment';

function placing({ product }: Stage, method: string, capture: Capture = 'automatic', as: Role = 'customer') {
  const lines = [{ productId: product.id, quantity: 3 }];
  return keyedCall(as, ORDERS, { lines, payment: { method, capture } });
}

/** Has an order placed before the flow begins, and expects it to be answered so. */
async function place(stage: Stage, method: string, capture: Capture, status = 201): Promise<void> {
  const answer = await stage.caller.finish(placing(stage, method, capture), PREPARATION_MS);
  if (answer?.status !== status) throw new Error(`The order was not placed: ${JSON.stringify(answer)}`);
  stage.order = status === 402 ? answer.body.order : answer.body;
}

const prepare =
  (step: GatewayStep, capture: Capture) =>
  (stage: Stage): Promise<void> =>
    place(stage, methodFor(step, stage.behaviour), capture);

const nothing = async (): Promise<void> => undefined;

function fulfilling({ order }: Stage): KeyedCall {
  const lines = [{ lineId: order.lines[0].id as string, quantity: 3 }];
  return keyedCall('staff', `${ORDERS}/${order.id}/fulfillments`, { lines });
}

function refunding({ order }: Stage, body: object): KeyedCall {
  return keyedCall('staff', `${PAYMENTS}/${order.payment.id}/refunds`, body);
}

const REFUNDED = endings(
  { answer: 201, order: 'confirmed', payment: 'captured' },
  { answer: 201, order: 'confirmed', payment: 'captured' },
);

const clientFlows: readonly Omit<ClientFlow, 'carriedOutBy'>[] = [
  {
    name: 'place an order',
    passes: [...RESUMABLE, ...operation('authorize')],
    behaviours: behavioursOf('authorize'),
    prepare: nothing,
    act: (stage) => placing(stage, methodFor('authorize', stage.behaviour)),
    endingOf: (behaviour) => authorizationEnding(behaviour, PLACED),
  },
  {
    name: 'place an order that staff capture',
    passes: [...RESUMABLE, ...operation('authorize')],
    behaviours: behavioursOf('authorize'),
    prepare: nothing,
    act: (stage) => placing(stage, methodFor('authorize', stage.behaviour), 'manual'),
    endingOf: (behaviour) => authorizationEnding(behaviour, { ...PLACED, payment: 'authorized' }),
  },
  {
    name: 'pay again after a decline',
    passes: [...RESUMABLE, ...operation('authorize')],
    behaviours: behavioursOf('authorize'),
    prepare: (stage) => place(stage, 'pm_card_chargeDeclined', 'automatic', 402),
    act: ({ order, behaviour }) =>
      keyedCall('customer', `${ORDERS}/${order.id}/payments`, { method: methodFor('authorize', behaviour) }),
    endingOf: (behaviour) => authorizationEnding(behaviour, PLACED),
  },
  {
    name: 'capture a part',
    passes: [...RESUMABLE, ...operation('capture')],
    behaviours: behavioursOf('capture'),
    prepare: prepare('capture', 'manual'),
    act: ({ order }) =>
      keyedCall('staff', `${PAYMENTS}/${order.payment.id}/capture`, {
        amount: { amount: 777, currency: 'GBP' },
      }),
    endingOf: endings(
      { answer: 200, order: 'confirmed', payment: 'partially_captured' },
      { answer: 409, order: 'confirmed', payment: 'authorized' },
    ),
  },
  {
    name: 'capture on fulfilment',
    passes: [...ONCE, ...operation('capture')],
    behaviours: behavioursOf('capture'),
    prepare: prepare('capture', 'on_fulfillment'),
    act: fulfilling,
    endingOf: endings(
      { answer: 201, order: 'fulfilled', payment: 'captured' },
      { answer: 201, order: 'fulfilled', payment: 'authorized' },
    ),
  },
  {
    name: 'void',
    passes: [...RESUMABLE, ...operation('void')],
    behaviours: behavioursOf('void'),
    prepare: prepare('void', 'manual'),
    act: ({ order }) => keyedCall('staff', `${PAYMENTS}/${order.payment.id}/cancel`, {}),
    endingOf: endings(
      { answer: 200, order: 'canceled', payment: 'canceled' },
      { answer: 409, order: 'confirmed', payment: 'authorized' },
    ),
  },
  {
    name: 'cancel an authorized order',
    passes: [...RESUMABLE, ...operation('void')],
    behaviours: behavioursOf('void'),
    prepare: prepare('void', 'manual'),
    act: ({ order }) => keyedCall('customer', `${ORDERS}/${order.id}/cancel`, { reason: 'changed my mind' }),
    endingOf: endings(
      { answer: 200, order: 'canceled', payment: 'canceled' },
      { answer: 202, order: 'cancel_pending', payment: 'authorized' },
    ),
  },
  {
    name: 'cancel a captured order',
    passes: [...RESUMABLE, ...operation('refund')],
    behaviours: behavioursOf('refund'),
    prepare: prepare('refund', 'automatic'),
    act: ({ order }) => keyedCall('customer', `${ORDERS}/${order.id}/cancel`, {}),
    endingOf: endings(
      { answer: 200, order: 'canceled', payment: 'captured' },
      { answer: 202, order: 'cancel_pending', payment: 'captured' },
    ),
  },
  {
    name: 'refund an amount',
    passes: [...RESUMABLE, ...operation('refund')],
    behaviours: behavioursOf('refund'),
    prepare: prepare('refund', 'automatic'),
    act: (stage) => refunding(stage, { amount: { amount: 123, currency: 'GBP' } }),
    endingOf: REFUNDED,
  },
  {
    name: 'refund a line',
    passes: [...RESUMABLE, ...operation('refund')],
    behaviours: behavioursOf('refund'),
    prepare: prepare('refund', 'automatic'),
    act: (stage) => refunding(stage, { lines: [{ lineId: stage.order.lines[0].id }] }),
    endingOf: REFUNDED,
  },
  {
    name: 'fulfil what is paid',
    passes: ONCE,
    behaviours: UNDISTURBED,
    prepare: prepare('authorize', 'automatic'),
    act: fulfilling,
    endingOf: () => ({ answer: 201, order: 'fulfilled', payment: 'captured' }),
  },
  {
    name: 'take goods back',
    passes: ONCE,
    behaviours: UNDISTURBED,
    prepare: async (stage) => {
      await place(stage, 'pm_card_visa', 'automatic');
      await stage.caller.finish(fulfilling(stage), PREPARATION_MS);
    },
    act: ({ order }) =>
      keyedCall('staff', `${ORDERS}/${order.id}/returns`, {
        lines: [{ lineId: order.lines[0].id, quantity: 2, restock: true }],
      }),
    endingOf: () => ({ answer: 201, order: 'fulfilled', payment: 'captured' }),
  },
  {
    name: 'receive goods for an order',
    passes: ONCE,
    behaviours: UNDISTURBED,
    prepare: prepare('authorize', 'automatic'),
    act: ({ product, number }) =>
      keyedCall('staff', `/api/v1/products/${product.id}/stock-movements`, {
        kind: 'receive',
        quantity: number,
      }),
    endingOf: () => PLACED,
  },
];

/** The advisory locks of the relay: whoever has one is the only one that relays the aggregates of its shard. */
const SHARD_LOCKS = '7305809, generate_series(0, 15)';

/** Places the orders while the relay is kept waiting, so that it finds the events of all of them at once. */
async function placeBehindTheRelay(rig: Rig, stages: readonly Stage[]): Promise<KeyedCall[]> {
  await rig.sql.query(`SELECT pg_advisory_lock(${SHARD_LOCKS})`);
  const calls = stages.map((stage) => placing(stage, methodFor('authorize', stage.behaviour)));
  await Promise.all(calls.map((call) => rig.caller.send(call)));
  await rig.sql.query(`SELECT pg_advisory_unlock(${SHARD_LOCKS})`);
  return calls;
}

async function placeAll({ caller }: Rig, stages: readonly Stage[]): Promise<KeyedCall[]> {
  const calls = stages.map((stage) => placing(stage, methodFor('authorize', stage.behaviour)));
  await Promise.all(calls.map((call) => caller.send(call)));
  return calls;
}

/** Places the orders while reports about them are kept and not due yet; then all become due at once. */
async function placeAheadOfReports(rig: Rig, stages: readonly Stage[]): Promise<KeyedCall[]> {
  await dueAfter(rig, '1 hour');
  const calls = await placeAll(rig, stages);
  await eventually(async () => {
    const { rows } = await rig.sql.query(`SELECT FROM payments.gateway_reports WHERE status = 'received'`);
    if (rows.length < stages.length) throw new Error(`Only ${rows.length} reports have come.`);
  }, PREPARATION_MS);
  await dueAfter(rig, '0');
  await rig.passTime();
  return calls;
}

async function dueAfter(rig: Rig, interval: string): Promise<void> {
  await rig.sql.query(
    `ALTER TABLE payments.gateway_reports ALTER next_attempt_at SET DEFAULT now() + interval '${interval}'`,
  );
}

/** Flows of what the gateway tells by itself about orders that are placed. */
const reporting = {
  passesOnTheWay: [...RESUMABLE, ...operation('authorize')],
  behaviours: behavioursOf('authorize'),
  // Reports of other flows would stand in between.
  isAlone: true,
  unreached: (behaviour: Behaviour) => {
    if (behaviour === 'webhook_lost') return 'the report gets lost';
    return needsLadder(behaviour) ? 'the gateway does nothing that it could report' : undefined;
  },
  prepare: nothing,
  heldAtOnce: (cells: number) => cells,
  endingOf: (behaviour: Behaviour) => authorizationEnding(behaviour, PLACED),
};

const workerFlows: readonly Omit<WorkerFlow, 'carriedOutBy'>[] = [
  {
    name: 'relay events',
    passes: RELAYED,
    passesOnTheWay: [...RESUMABLE, ...operation('authorize')],
    behaviours: behavioursOf('authorize'),
    prepare: nothing,
    provoke: placeBehindTheRelay,
    heldAtOnce: () => 1,
    endingOf: (behaviour) => authorizationEnding(behaviour, PLACED),
  },
  {
    name: 'tell a partner of an order',
    passes: ['claimed', 'sent'].map((at) => `webhooks.delivery.${at}`),
    passesOnTheWay: [...RESUMABLE, ...operation('authorize'), ...RELAYED],
    behaviours: behavioursOf('authorize'),
    // The partner is told of the orders of other flows, too.
    isAlone: true,
    prepare: nothing,
    provoke: placeAll,
    heldAtOnce: (cells) => Math.min(cells, MAX_WEBHOOKS_AT_ONCE),
    endingOf: (behaviour) => authorizationEnding(behaviour, PLACED),
  },
  {
    name: 'expire an unpaid order',
    passes: ['due', 'expired', 'committed'].map((at) => `orders.expiry.${at}`),
    behaviours: behavioursOf('authorize'),
    mostAtOnce: 7,
    needsDecliningCard: true,
    prepare: (stage) => place(stage, stage.decliningCard ?? '', 'automatic', 402),
    provoke: async (rig, stages) => {
      const ids = stages.map(({ order }) => order.id as string);
      await rig.sql.query(
        `UPDATE orders.orders SET expires_at = now() - interval '1 second' WHERE id = ANY($1)`,
        [ids],
      );
      return stages.map(() => undefined);
    },
    heldAtOnce: (cells) => cells,
    endingOf: () => ({ answer: 0, order: 'expired', payment: 'canceled' }),
  },
  {
    ...reporting,
    name: 'take a report of the gateway',
    passes: ['verified', 'kept'].map((at) => `payments.report.${at}`),
    provoke: placeAll,
  },
  {
    ...reporting,
    name: 'apply a report of the gateway',
    passes: ['due', 'applied', 'committed'].map((at) => `payments.report.${at}`),
    // What the worker takes at once.
    mostAtOnce: 8,
    provoke: placeAheadOfReports,
  },
];

/** Every way in which money, goods or news move: the rows of the matrix. */
export const FLOWS: readonly Flow[] = [
  ...clientFlows.map((flow): Flow => ({ ...flow, carriedOutBy: 'client' })),
  ...workerFlows.map((flow): Flow => ({ ...flow, carriedOutBy: 'worker' })),
];

/** Cards that the bank declines, each another one, so that a rule of the gateway's script can mean one cell. */
export const DECLINING_CARDS = [
  'pm_card_chargeDeclined',
  'pm_card_chargeDeclinedInsufficientFunds',
  'pm_card_chargeDeclinedExpiredCard',
  'pm_card_chargeDeclinedProcessingError',
  'pm_card_authenticationRequired',
  'pm_sim_fails',
  'pm_sim_action_required',
];
