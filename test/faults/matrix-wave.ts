import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '#kernel';
import { findBreaches } from '../support/invariants.js';
import { findEffectBreaches } from './check-effects.js';
import { type Answer, isFinal, type KeyedCall } from './caller.js';
import { DECLINING_CARDS, type Stage, type WorkerFlow } from './flows.js';
import { needsLadder } from './behaviours.js';
import type { Cell, Wave } from './matrix.js';
import type { Product, Rig } from './rig.js';

/** What came of a cell. */
export interface CellReport {
  readonly failpoint: string;
  readonly flow: string;
  readonly behaviour: string;
  /** Whether it stood at the failpoint when the process was killed. */
  readonly held: boolean;
  /** What the client was told before the kill, and in the end. */
  readonly toldBefore: string;
  readonly toldAfter: string;
  readonly order: string;
  readonly payment: string;
  /** What happened to the money, in the gateway's own log. */
  readonly effects: readonly string[];
  readonly problems: readonly string[];
}

interface RunningCell {
  readonly cell: Cell;
  readonly stage: Stage;
  readonly requestId: string;
  call?: KeyedCall | undefined;
  before?: Answer | undefined;
  after?: Answer | undefined;
  held: boolean;
  isAnswered: boolean;
}

/** Bounds for what takes a second or two where nothing is wrong, and many times that on a machine with other work. */
const HOLD_WITHIN_MS = 40_000;
const FINISH_WITHIN_MS = 60_000;
const REST_WITHIN_MS = 60_000;
/** Longer than a call of the gateway may take, so that the next try finds the key in use. */
const SLOW_MS = 1_500;

/** What is wrong with a cell that was answered before it got to its place. */
export const NEVER_HELD = 'never stood at the failpoint';

export interface WaveReport {
  /** In the order of the wave. */
  readonly cells: readonly CellReport[];
  /** What is wrong and cannot be laid at the door of one cell. */
  readonly problems: readonly string[];
}

/** Brings all cells of a wave to their failpoints, kills the process once, and sees what becomes of each. */
export async function runWave(rig: Rig, wave: Wave, products: readonly Product[]): Promise<WaveReport> {
  const cells = stageCells(rig, wave, products);
  rig.gateway.simulator.follow({ slowMs: SLOW_MS, rules: rulesFor(cells) });
  const stopClock = climbLadder(rig, cells);
  await Promise.all(cells.map(({ cell, stage }) => cell.flow.prepare(stage)));
  await rig.drains(REST_WITHIN_MS);
  await stopClock();

  const armed = new Set(wave.map(({ failpoint }) => failpoint));
  await rig.app.tell([...armed].map((name) => `${name}=hold`).join(','));
  const { settled } = await act(rig, cells);
  await untilHeld(rig, cells);
  await rig.killApp();
  await settled;

  await rig.startApp();
  await rig.passTime();
  const stopClockAgain = climbLadder(rig, cells);
  await Promise.all(cells.map((running) => finish(rig, running)));
  await rig.drains(REST_WITHIN_MS);
  await Promise.all(cells.map((running) => askOnceMore(rig, running)));
  const isDrained = await rig.drains(REST_WITHIN_MS);
  await stopClockAgain();
  return judge(rig, cells, isDrained);
}

/** Until it is stopped, lets hours pass for the orders about which the gateway never says anything certain. */
function climbLadder(rig: Rig, cells: readonly RunningCell[]): () => Promise<void> {
  const products = cells.filter(({ cell }) => needsLadder(cell.behaviour)).map(({ stage }) => stage.product);
  const stopping = new AbortController();
  const climbing = (async () => {
    while (products.length > 0 && !stopping.signal.aborted) {
      await rig.passSettleWindow(products);
      await delay(300, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  return async () => {
    stopping.abort();
    await climbing;
  };
}

function stageCells(rig: Rig, wave: Wave, products: readonly Product[]): RunningCell[] {
  let cards = 0;
  return wave.map((cell, index) => ({
    cell,
    requestId: newId(),
    held: false,
    isAnswered: false,
    stage: {
      caller: rig.caller,
      product: products[index]!,
      behaviour: cell.behaviour,
      decliningCard: cell.flow.needsDecliningCard ? DECLINING_CARDS[cards++] : undefined,
      number: index + 1,
    },
  }));
}

/** A card that declines says nothing about what else goes wrong; a rule for it does. */
function rulesFor(cells: readonly RunningCell[]) {
  return cells.flatMap(({ stage: { decliningCard: method, behaviour } }) =>
    method === undefined || behaviour === 'plain' || behaviour === 'fails' || behaviour === 'action_required'
      ? []
      : [{ step: 'authorize' as const, method, behaviour, times: 1 }],
  );
}

/** Starts everything. `settled` resolves when each client has its answer, or knows that it gets none. */
async function act(rig: Rig, cells: readonly RunningCell[]): Promise<{ settled: Promise<unknown> }> {
  for (const [flow, group] of Map.groupBy(cells, ({ cell }) => cell.flow)) {
    if (flow.carriedOutBy !== 'worker') continue;
    const calls = await flow.provoke(
      rig,
      group.map(({ stage }) => stage),
    );
    group.forEach((running, index) => (running.call = calls[index]));
  }
  const sending = cells.map(async (running) => {
    const { cell, stage, requestId } = running;
    if (cell.flow.carriedOutBy !== 'client') return;
    running.call = cell.flow.act(stage);
    running.before = await rig.caller.send(running.call, requestId);
    running.isAnswered = true;
  });
  return { settled: Promise.all(sending) };
}

async function untilHeld(rig: Rig, cells: readonly RunningCell[]): Promise<void> {
  const deadline = performance.now() + HOLD_WITHIN_MS;
  do {
    await delay(50);
    markHeld(rig, cells);
  } while (!cells.every(({ held, isAnswered }) => held || isAnswered) && performance.now() < deadline);
}

function markHeld(rig: Rig, cells: readonly RunningCell[]): void {
  const lines = rig.app.output.split('\n').filter((text) => text.startsWith('failpoint '));
  const standing = new Set(lines);
  for (const running of cells) {
    if (running.cell.flow.carriedOutBy === 'client') {
      running.held = standing.has(`failpoint ${running.cell.failpoint} hold ${running.requestId}`);
    }
  }
  const ofWorker = cells.filter(({ cell }) => cell.flow.carriedOutBy === 'worker');
  for (const group of Map.groupBy(ofWorker, ({ cell }) => `${cell.failpoint} ${cell.flow.name}`).values()) {
    const { flow, failpoint } = group[0]!.cell;
    const count = lines.filter((text) => text.startsWith(`failpoint ${failpoint} hold `)).length;
    const isHeld = count >= (flow as WorkerFlow).heldAtOnce(group.length);
    for (const running of group) running.held = isHeld;
  }
}

async function finish(rig: Rig, running: RunningCell): Promise<void> {
  const { call, cell, stage } = running;
  if (!call) return;
  const { answer } = cell.flow.endingOf(stage.behaviour);
  // Where the end is that staff have to decide, no answer is ever final: asking once has everything carried on.
  running.after = await rig.caller.finish(call, answer === 202 ? 0 : FINISH_WITHIN_MS);
}

/** Now that nothing is open any more, what a client is told stays so. */
async function askOnceMore(rig: Rig, running: RunningCell): Promise<void> {
  if (!running.call || (running.after && isFinal(running.after))) return;
  running.after = await rig.caller.finish(running.call, 0);
}

async function judge(rig: Rig, cells: readonly RunningCell[], isDrained: boolean): Promise<WaveReport> {
  const found = {
    ...(await findBreaches(rig.sql)),
    'the gateway has done what we believe': await findEffectBreaches(rig.sql, rig.gateway),
  };
  const breaches = Object.entries(found).flatMap(([invariant, rows]) =>
    rows.map((row) => ({ invariant, row: JSON.stringify(row), isLaid: false })),
  );
  const reports: CellReport[] = [];
  for (const running of cells) {
    const { names, report } = await judgeCell(rig, running);
    const ofCell = breaches.filter(({ row }) => names.some((name) => row.includes(name)));
    for (const breach of ofCell) breach.isLaid = true;
    const problems = ofCell.map(({ invariant, row }) => `broken: ${invariant} ${row}`);
    reports.push({ ...report, problems: [...report.problems, ...problems] });
  }
  const strays = breaches.filter(({ isLaid }) => !isLaid);
  return {
    cells: reports,
    problems: [
      ...(isDrained ? [] : ['Something was still on its way when the time was up.']),
      ...strays.map(({ invariant, row }) => `broken: ${invariant} ${row}`),
    ],
  };
}

interface AtRest {
  order_id: string;
  payment_id: string;
  order_status: string;
  payment_status: string;
  operations: { id: string; status: string }[];
}

/** How the order of a cell is at rest; the newest of its product, which it has for itself. */
async function atRest(rig: Rig, { stage }: RunningCell, orderId: unknown): Promise<AtRest | undefined> {
  const { rows } = await rig.sql.query<AtRest>(
    `SELECT o.id AS order_id, p.id AS payment_id, o.status AS order_status, p.status AS payment_status,
            (SELECT json_agg(json_build_object('id', id, 'status', status)) FROM payments.operations
              WHERE payment_id = p.id) AS operations
       FROM orders.orders o JOIN payments.payments p ON p.id = o.payment_id
      WHERE o.id = coalesce($2, (SELECT order_id FROM orders.order_lines WHERE product_id = $1
                                  ORDER BY order_id DESC LIMIT 1))`,
    [stage.product.id, orderId ?? null],
  );
  return rows[0];
}

async function judgeCell(
  rig: Rig,
  running: RunningCell,
): Promise<{ names: readonly string[]; report: CellReport }> {
  const { cell, stage, held, before, after, call } = running;
  const expected = cell.flow.endingOf(cell.behaviour);
  const told = after?.body as { id?: string; order?: { id: string } } | undefined;
  const isPlacing = call?.path === '/api/v1/orders';
  const orderId = stage.order?.id ?? (isPlacing ? (told?.order?.id ?? told?.id) : undefined);
  const found = await atRest(rig, running, orderId);
  const operations = found?.operations ?? [];
  const effects = rig.gateway.simulator.effects.filter(({ key }) => operations.some(({ id }) => id === key));
  const problems: string[] = [];
  const expect = (what: string, actual: unknown, wanted: unknown) => {
    if (actual !== wanted) problems.push(`${what} is ${String(actual)}, not ${String(wanted)}`);
  };
  if (!held) problems.push(NEVER_HELD);
  if (call) expect('the answer', after?.status, expected.answer);
  expect('the order', found?.order_status, expected.order);
  expect('the payment', found?.payment_status, expected.payment);
  return {
    names: [found?.order_id, found?.payment_id, ...operations.map(({ id }) => id)].filter(
      (name) => name !== undefined,
    ),
    report: {
      failpoint: cell.failpoint,
      flow: cell.flow.name,
      behaviour: cell.behaviour,
      held,
      toldBefore: describe(before),
      toldAfter: describe(after),
      order: found?.order_status ?? 'none',
      payment: found?.payment_status ?? 'none',
      effects: effects.map(({ kind, amount }) => `${kind} ${amount}`),
      problems,
    },
  };
}

function describe(answer: Answer | undefined): string {
  if (!answer) return 'nothing';
  const { status, body } = answer as { status: number; body: { code?: string } };
  return body.code === undefined ? String(status) : `${status} ${body.code}`;
}
