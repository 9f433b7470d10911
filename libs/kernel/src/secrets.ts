/** Secrets of which the first signs, and what any of them has signed is good: while one follows another. */
export type Secrets = readonly [string, ...string[]];
