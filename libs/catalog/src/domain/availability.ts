/** What shoppers are told about the stock of a product, from none to plenty. */
export const AVAILABILITIES = ['out_of_stock', 'low_stock', 'in_stock'] as const;

export type Availability = (typeof AVAILABILITIES)[number];

/** The most available pieces that still count as low stock. */
export const LOW_STOCK_MAX = 5;

/** The least available pieces of each availability above `out_of_stock`, in the order of `AVAILABILITIES`. */
export const AVAILABILITY_FLOORS = [1, LOW_STOCK_MAX + 1] as const;

/** The availability of a product of which `available` pieces can be sold. */
export function availabilityOf(available: number): Availability {
  const reached = AVAILABILITY_FLOORS.filter((floor) => available >= floor).length;
  return AVAILABILITIES[reached] ?? 'out_of_stock';
}
