import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, type Caller, isFinal, type KeyedCall, keyedCall } from './caller.js';
import { BEHAVIOURS } from './behaviours.js';
import type { Random } from './random.js';
import type { Product } from './rig.js';
import type { Role } from './schedule-plan.js';

const ORDERS = '/api/v1/orders';
const PAYMENTS = '/api/v1/payments';

/** Calls at once with one key. */
const CROWD_SIZE = 6;
/** While the storm is on, nobody waits longer for one answer; they ask again when it is over. */
const PATIENCE_MS = 2_500;
/** How long the bank takes that changes its mind, with time for its report. */
const BANK_DECIDES_WITHIN_MS = 1_000;
const LATEST_ARRIVAL_MS = 1_500;
const LONGEST_THOUGHT_MS = 150;
/** A bank that says no by chance says yes before that. */
const MOST_PAYMENTS = 20;

/** What everybody in a schedule shares. */
export interface Scene {
  readonly caller: Caller;
  readonly products: readonly Product[];
  /** The product of the flash sale. */
  readonly flash: Product;
  /** False as soon as people are to begin nothing new. */
  isStormy: boolean;
  /** Calls that nobody has answered for good yet. */
  readonly unfinished: KeyedCall[];
  /** Resolves when everything behaves again. */
  readonly calm: Promise<void>;
  /** Last answers of calls that place an order, by key. */
  readonly placed: Map<string, Answer>;
  readonly seen: { 6: object[]; 7: object[]; 12: object[] };
}

/** Does what somebody of this role does, until they are through with it or the storm is over. */
export async function live(role: Role, scene: Scene, random: Random): Promise<void> {
  if (role !== 'shopper') await delay(random.integer(0, LATEST_ARRIVAL_MS));
  return { shopper, returner, crowd, buyer }[role](scene, random);
}

const METHODS = [
  ...Array<string>(12).fill('pm_card_visa'),
  'pm_card_chargeDeclined',
  'pm_card_authenticationRequired',
  ...BEHAVIOURS.filter((name) => name !== 'plain').flatMap((name) => [
    `pm_sim_${name}`,
    `pm_sim_capture_${name}`,
    `pm_sim_void_${name}`,
    `pm_sim_refund_${name}`,
  ]),
];
const CAPTURES = ['automatic', 'manual', 'on_fulfillment'];

function placing(random: Random, products: readonly Product[], method = random.pick(METHODS)): KeyedCall {
  const lines = Array.from({ length: random.integer(1, 3) }, () => ({
    productId: random.pick(products).id,
    // Now and then more than there is.
    quantity: random.happens(0.05) ? 1_000 : random.integer(1, 4),
  }));
  return keyedCall('customer', ORDERS, { lines, payment: { method, capture: random.pick(CAPTURES) } });
}

/** The order that an answer tells of, also where it was not paid. */
export function orderIn(answer: Answer | undefined): Answer['body'] {
  const body = answer?.body;
  return body?.order ?? (body?.number ? body : undefined);
}

/** Asks until the answer is final or patience ends; then the call waits for the calm. */
async function ask({ caller, unfinished, placed }: Scene, call: KeyedCall): Promise<Answer | undefined> {
  const answer = await caller.finish(call, PATIENCE_MS);
  if (!answer || !isFinal(answer)) unfinished.push(call);
  if (call.path === ORDERS && answer) placed.set(call.key, answer);
  return answer;
}

/** Asks until the answer is final, however long the storm. */
async function insist(scene: Scene, call: KeyedCall): Promise<Answer | undefined> {
  const answer = await ask(scene, call);
  if (answer && isFinal(answer)) return answer;
  await scene.calm;
  const last = await scene.caller.finish(call, PATIENCE_MS * 4);
  if (call.path === ORDERS && last) scene.placed.set(call.key, last);
  return last;
}

/** Buys something, and then does one thing after the other to it, legal or not. */
async function shopper(scene: Scene, random: Random): Promise<void> {
  const orders: Answer['body'][] = [];
  while (scene.isStormy) {
    const isNew = orders.length === 0 || random.happens(0.2);
    const call = isNew ? placing(random, scene.products) : anything(random.pick(orders), random);
    // Sometimes the same call is already under way.
    if (random.happens(0.15)) void scene.caller.send(call);
    const order = orderIn(await ask(scene, call));
    if (isNew && order) orders.push(order);
    if (random.happens(0.1)) await abuseKey(scene, call);
    await delay(random.integer(0, LONGEST_THOUGHT_MS));
  }
}

/** One of the things that can be asked about an order, whether or not it makes sense now. */
function anything(order: Answer['body'], random: Random): KeyedCall {
  const { id, lines, payment, total } = order as {
    id: string;
    lines: { id: string; quantity: number }[];
    payment: { id: string };
    total: { amount: number };
  };
  const amount = { amount: random.integer(1, Math.ceil(total.amount * 1.2)), currency: 'GBP' };
  const line = random.pick(lines);
  const some = random.happens(0.5) ? { amount } : {};
  const calls: readonly (() => KeyedCall)[] = [
    () => keyedCall('customer', `${ORDERS}/${id}/payments`, { method: random.pick(METHODS) }),
    () => keyedCall('customer', `${ORDERS}/${id}/cancel`, {}),
    () =>
      keyedCall('staff', `${ORDERS}/${id}/fulfillments`, {
        lines: [{ lineId: line.id, quantity: random.integer(1, line.quantity) }],
      }),
    () =>
      keyedCall('staff', `${ORDERS}/${id}/fulfillments`, {
        lines: lines.map(({ id: lineId, quantity }) => ({ lineId, quantity })),
      }),
    () =>
      keyedCall('staff', `${ORDERS}/${id}/returns`, {
        lines: [{ lineId: line.id, quantity: 1, restock: random.happens(0.5) }],
      }),
    () => keyedCall('staff', `${PAYMENTS}/${payment.id}/capture`, some),
    () => keyedCall('staff', `${PAYMENTS}/${payment.id}/cancel`, {}),
    () => keyedCall('staff', `${PAYMENTS}/${payment.id}/refunds`, some),
    () => keyedCall('staff', `${PAYMENTS}/${payment.id}/refunds`, { lines: [{ lineId: line.id }] }),
    () => keyedCall('staff', `${PAYMENTS}/${id}/refunds`, {}),
  ];
  return random.pick(calls)();
}

/** The same key for something else is refused, unless nothing is known under the key. */
async function abuseKey({ caller, seen }: Scene, call: KeyedCall): Promise<void> {
  const before = await caller.send(call);
  const answer = await caller.send({ ...call, body: { ...call.body, reason: 'another one' } });
  if (before?.status !== 200 && before?.status !== 201) return;
  if (answer && answer.status < 300) seen[7].push({ problem: 'a key was good for two things', call, answer });
}

/** Buys, and gives everything back in pieces. */
async function returner(scene: Scene, random: Random): Promise<void> {
  const call = keyedCall('customer', ORDERS, {
    lines: scene.products.slice(0, 3).map(({ id }) => ({ productId: id, quantity: random.integer(1, 3) })),
    payment: { method: 'pm_card_visa', capture: 'automatic' },
  });
  const order = orderIn(await payUntilConfirmed(scene, await insist(scene, call)));
  if (order?.status !== 'confirmed') return;
  const { total, payment, lines } = order as {
    total: { amount: number };
    payment: { id: string };
    lines: { id: string; total: { amount: number } }[];
  };
  for (const group of partition(lines, random)) await refundUntilDone(scene, payment.id, group);
  await scene.calm;
  for (let attempt = 0; attempt < MOST_PAYMENTS; attempt += 1) {
    // A bank may still take back what it gave, and tell late.
    await delay(BANK_DECIDES_WITHIN_MS);
    const answer = await scene.caller.read(`${PAYMENTS}/${payment.id}`);
    const state = answer?.body as Record<string, { amount: number } | undefined> | undefined;
    // What a bank has taken for a shopper who disputes it is not there to be given back.
    const givenBack = (state?.['refundedAmount']?.amount ?? 0) + (state?.['disputedAmount']?.amount ?? 0);
    if (givenBack === total.amount) return;
    await insist(scene, keyedCall('staff', `${PAYMENTS}/${payment.id}/refunds`, {}));
  }
  scene.seen[12].push({ problem: 'the parts do not make up the whole', payment, total });
}

type RefundLine = { lineId: string; amount?: { amount: number; currency: string } };

/** Groups that together are all lines. A line may be given back in two parts, the rest in the last group. */
function partition(
  lines: readonly { id: string; total: { amount: number } }[],
  random: Random,
): RefundLine[][] {
  const groups: RefundLine[][] = Array.from({ length: random.integer(1, 3) }, () => []);
  const last: RefundLine[] = [];
  for (const { id, total } of lines) {
    if (random.happens(0.4) && total.amount > 1) {
      const amount = { amount: random.integer(1, total.amount - 1), currency: 'GBP' };
      random.pick(groups).push({ lineId: id, amount });
      last.push({ lineId: id });
    } else random.pick(groups).push({ lineId: id });
  }
  return [...groups, last].filter((group) => group.length > 0);
}

async function refundUntilDone(scene: Scene, paymentId: string, lines: RefundLine[]): Promise<void> {
  for (let attempt = 0; attempt < MOST_PAYMENTS; attempt += 1) {
    const answer = await insist(scene, keyedCall('staff', `${PAYMENTS}/${paymentId}/refunds`, { lines }));
    if (answer?.status === 201 && answer.body.status === 'succeeded') return;
  }
}

/** Pays again after each decline, until the order is confirmed. */
async function payUntilConfirmed(scene: Scene, first: Answer | undefined): Promise<Answer | undefined> {
  let answer = first;
  for (let attempt = 0; answer?.status === 402 && attempt < MOST_PAYMENTS; attempt += 1) {
    const path = `${ORDERS}/${orderIn(answer).id}/payments`;
    answer = await insist(scene, keyedCall('customer', path, { method: 'pm_card_visa' }));
  }
  return answer;
}

/** Many send one call at once, each until it is answered for good: all must be told of one resource. */
async function crowd(scene: Scene, random: Random): Promise<void> {
  const call = placing(random, scene.products, random.pick(['pm_card_visa', 'pm_sim_timeout_after_effect']));
  const answers = await Promise.all(Array.from({ length: CROWD_SIZE }, () => insist(scene, call)));
  const told = new Set(
    answers.map((answer) => `${answer?.status ?? 'nothing'} ${String(orderIn(answer)?.id ?? '')}`),
  );
  if (told.size > 1)
    scene.seen[7].push({ problem: 'one key, several answers', key: call.key, told: [...told] });
}

/** Wants one piece of what there is too little of, and does not give up. */
async function buyer(scene: Scene, random: Random): Promise<void> {
  const call = keyedCall('customer', ORDERS, {
    lines: [{ productId: scene.flash.id, quantity: 1 }],
    payment: { method: 'pm_card_visa', capture: random.pick(CAPTURES) },
  });
  const answer = await payUntilConfirmed(scene, await insist(scene, call));
  const isSoldOut = answer?.status === 409 && answer.body.code === 'insufficient_stock';
  if (answer?.status !== 201 && !isSoldOut)
    scene.seen[6].push({ problem: 'neither bought nor sold out', answer });
}
