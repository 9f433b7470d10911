/** The life of a reservation. What is shipped of a committed one leaves it; the rest can still be released. */
export const RESERVATION_STATUSES = ['active', 'committed', 'released', 'expired'] as const;

export type ReservationStatus = (typeof RESERVATION_STATUSES)[number];

/** How a reservation ends without its goods being shipped: by a decision, or because nobody paid in time. */
export type ReservationRelease = 'released' | 'expired';

/** From which states each state is reached; nothing else writes a status. */
export const RESERVATION_SOURCES: Readonly<
  Record<Exclude<ReservationStatus, 'active'>, readonly ReservationStatus[]>
> = {
  committed: ['active'],
  released: ['active', 'committed'],
  expired: ['active'],
};

/** So many pieces of one product. */
export interface StockQuantity {
  readonly productId: string;
  readonly quantity: number;
}

/** One entry per product: an order may name the same product in several lines. */
export function quantitiesByProduct(lines: readonly StockQuantity[]): StockQuantity[] {
  const totals = new Map<string, number>();
  for (const { productId, quantity } of lines) {
    totals.set(productId, (totals.get(productId) ?? 0) + quantity);
  }
  return [...totals].map(([productId, quantity]) => ({ productId, quantity }));
}
