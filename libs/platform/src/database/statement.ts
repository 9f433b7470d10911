/**
 * A named SQL statement. The name identifies it in metrics and in the log of slow queries, and lets PostgreSQL keep
 * its plan prepared on each connection, so the text of a name never varies.
 */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

const names = new Set<string>();

/** Declares a statement once, at module level: `const insertOrder = statement('orders.insert', 'INSERT …')`. */
export function statement(name: string, text: string): Statement {
  if (names.has(name)) throw new Error(`The SQL statement ${name} is declared twice.`);
  names.add(name);
  return Object.freeze({ name, text });
}
