/** Things by their ids, and which of them were added or changed since they were loaded. */
export class TrackedMap<T> {
  readonly changed = new Map<string, T>();
  private readonly all: Map<string, T>;

  constructor(loaded: Iterable<readonly [string, T]> = []) {
    this.all = new Map(loaded);
  }

  get(id: string): T | undefined {
    return this.all.get(id);
  }

  values(): T[] {
    return [...this.all.values()];
  }

  set(id: string, thing: T): void {
    this.all.set(id, thing);
    this.changed.set(id, thing);
  }
}
