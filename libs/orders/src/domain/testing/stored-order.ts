import { Order, type OrderLine, type OrderState, type TimelineEntry } from '../order.js';

/** An order as a store keeps it: each verb acts on one that is loaded anew, and what it notes as changed is saved. */
export class StoredOrder {
  readonly timeline: TimelineEntry[] = [];
  private readonly linesById = new Map<string, OrderLine>();
  private stored: OrderState;

  constructor(placed: Order) {
    this.stored = placed.state;
    this.save(placed);
  }

  get state(): OrderState {
    return this.stored;
  }

  get lines(): readonly OrderLine[] {
    return [...this.linesById.values()];
  }

  /** A verb that throws leaves everything as it was. */
  update(verb: (order: Order) => void): void {
    const order = Order.rehydrate(this.stored, this.lines);
    verb(order);
    this.save(order);
  }

  private save({ state, changes }: Order): void {
    if (changes.timeline.length === 0) return;
    this.stored = state;
    this.timeline.push(...changes.timeline);
    for (const [id, line] of changes.lines) this.linesById.set(id, line);
  }
}
