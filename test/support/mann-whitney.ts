/** What two samples say about each other. */
export interface Comparison {
  /** Probability that one of the second sample exceeds one of the first; a half when nothing tells them apart. */
  readonly exceeds: number;
  /** The same in standard deviations from a half, as the Mann-Whitney U test has it. */
  readonly z: number;
  readonly medians: readonly [number, number];
}

/** Compares two samples by ranks, so that a few slow calls do not matter. */
export function compareSamples(first: readonly number[], second: readonly number[]): Comparison {
  const wins = second.reduce(
    (sum, b) => sum + first.reduce((inner, a) => inner + (b > a ? 1 : b === a ? 0.5 : 0), 0),
    0,
  );
  const pairs = first.length * second.length;
  const deviation = Math.sqrt((pairs * (first.length + second.length + 1)) / 12);
  return {
    exceeds: wins / pairs,
    z: (wins - pairs / 2) / deviation,
    medians: [medianOf(first), medianOf(second)],
  };
}

function medianOf(sample: readonly number[]): number {
  return sample.toSorted((a, b) => a - b)[Math.floor(sample.length / 2)]!;
}
