import type { Behaviour } from './behaviours.js';
import { FAILPOINTS } from './failpoint-registry.js';
import { DECLINING_CARDS, type Flow, FLOWS } from './flows.js';

/** One crash: at this place, in this flow, while the gateway behaves so. */
export interface Cell {
  readonly failpoint: string;
  readonly flow: Flow;
  readonly behaviour: Behaviour;
}

/** A cell that is not run because its place cannot be reached, and why. */
export type LeftOutCell = Cell & { readonly reason: string };

/** Cells that one kill is for. */
export type Wave = readonly Cell[];

/** Each may hold a connection to the database, and PostgreSQL gives 200. */
const MOST_CELLS_PER_WAVE = 100;

export interface Matrix {
  readonly waves: readonly Wave[];
  readonly leftOut: readonly LeftOutCell[];
  /** Failpoints of the code that no flow passes: the matrix has a hole. */
  readonly uncovered: readonly string[];
  /** Places that a flow claims to pass and that the code does not have. */
  readonly unknown: readonly string[];
}

/** Every failpoint of the code × every flow that passes it × every behaviour of the gateway that the flow can meet. */
export function planMatrix(isWanted: (cell: Cell) => boolean): Matrix {
  const passed = new Set(FLOWS.flatMap(({ passes }) => passes));
  const all = FLOWS.flatMap((flow) =>
    flow.passes.flatMap((failpoint) => flow.behaviours.map((behaviour) => ({ failpoint, flow, behaviour }))),
  ).filter(isWanted);
  const leftOut = all.flatMap((cell) => {
    const reason = reasonToLeaveOut(cell);
    return reason === undefined ? [] : [{ ...cell, reason }];
  });
  return {
    waves: pack(all.filter((cell) => reasonToLeaveOut(cell) === undefined)),
    leftOut,
    uncovered: FAILPOINTS.filter((name) => !passed.has(name)),
    unknown: [...passed].filter((name) => !FAILPOINTS.includes(name)),
  };
}

function reasonToLeaveOut({ flow, behaviour }: Cell): string | undefined {
  return flow.unreached?.(behaviour);
}

/** Puts the cells into as few waves as their failpoints allow: the first wave in which there is room takes it. */
export function pack(cells: readonly Cell[]): Wave[] {
  const waves: Cell[][] = [];
  for (const cell of cells) {
    const wave = waves.find((candidate) => hasRoomFor(cell, candidate));
    if (wave) wave.push(cell);
    else waves.push([cell]);
  }
  return waves;
}

/** In a wave, every cell gets to its own failpoint before it gets to that of another. */
function hasRoomFor(cell: Cell, wave: Wave): boolean {
  if (wave.length >= MOST_CELLS_PER_WAVE) return false;
  const isAlone = cell.flow.isAlone ?? false;
  if (wave.some(({ flow }) => flow !== cell.flow && (isAlone || flow.isAlone))) return false;
  const sameFlow = wave.filter(({ flow }) => flow === cell.flow);
  if (sameFlow.length >= (cell.flow.mostAtOnce ?? MOST_CELLS_PER_WAVE)) return false;
  const cards = wave.filter(({ flow }) => flow.needsDecliningCard).length;
  if (cell.flow.needsDecliningCard && cards >= DECLINING_CARDS.length) return false;
  return wave.every((other) => !gets(other, cell.failpoint) && !gets(cell, other.failpoint));
}

/** Whether the cell would be held there instead of at its own failpoint. */
function gets({ flow, failpoint: own }: Cell, failpoint: string): boolean {
  if (failpoint === own) return false;
  return flow.passes.includes(failpoint) || (flow.passesOnTheWay ?? []).includes(failpoint);
}
