import { DomainError } from '#kernel';
import { catalogErrors } from './catalog.errors.js';

/** The stock of one product, in pieces. At any time `0 <= reserved <= onHand <= MAX_ON_HAND`. */
export interface StockLevel {
  /** Pieces in the house. */
  readonly onHand: number;
  /** Pieces among them that belong to orders. */
  readonly reserved: number;
}

/** A change of a stock level, as the journal keeps it. */
export interface StockMovement {
  readonly kind: StockMovementKind;
  /** Pieces that moved; negative only for an adjustment downwards. */
  readonly quantity: number;
  readonly onHandDelta: number;
  readonly reservedDelta: number;
}

/** The most pieces of one product: what staff can add to it stays an exact number. */
export const MAX_ON_HAND = 1_000_000_000_000;

/** What one piece of each kind of movement does to the level. The one place that says so. */
export const STOCK_MOVEMENT_EFFECTS = {
  /** Goods arrived. */
  receive: { onHand: 1, reserved: 0 },
  /** An order was placed. */
  reserve: { onHand: 0, reserved: 1 },
  /** An order let go of what it had not shipped. */
  release: { onHand: 0, reserved: -1 },
  /** An order is paid for: its reservation holds until it is shipped. */
  commit: { onHand: 0, reserved: 0 },
  /** Goods left the house. */
  ship: { onHand: -1, reserved: -1 },
  /** Goods came back and can be sold again. */
  return: { onHand: 1, reserved: 0 },
  /** The pieces were counted, and there were more or fewer than the books said. */
  adjust: { onHand: 1, reserved: 0 },
} as const;

export type StockMovementKind = keyof typeof STOCK_MOVEMENT_EFFECTS;

export const STOCK_MOVEMENT_KINDS = Object.keys(STOCK_MOVEMENT_EFFECTS) as [
  StockMovementKind,
  ...StockMovementKind[],
];

export const EMPTY_STOCK: StockLevel = { onHand: 0, reserved: 0 };

/** Pieces that can be sold. */
export function availableOf({ onHand, reserved }: StockLevel): number {
  return onHand - reserved;
}

/** The movement of `quantity` pieces. */
export function stockMovement(kind: StockMovementKind, quantity: number): StockMovement {
  const effect = STOCK_MOVEMENT_EFFECTS[kind];
  return {
    kind,
    quantity,
    onHandDelta: effect.onHand * quantity,
    reservedDelta: effect.reserved * quantity,
  };
}

/**
 * The level after a movement.
 *
 * @throws RangeError for a movement that the level does not allow: whoever makes movements asks the rules first
 */
export function applyMovement(level: StockLevel, movement: StockMovement): StockLevel {
  const onHand = level.onHand + movement.onHandDelta;
  const reserved = level.reserved + movement.reservedDelta;
  if (!(reserved >= 0 && reserved <= onHand && onHand <= MAX_ON_HAND)) {
    throw new RangeError(`A ${movement.kind} of ${movement.quantity} is not possible at this level.`);
  }
  return { onHand, reserved };
}

/** The level that a product's journal, oldest movement first, adds up to. */
export function levelAfter(journal: Iterable<StockMovement>): StockLevel {
  let level = EMPTY_STOCK;
  for (const movement of journal) level = applyMovement(level, movement);
  return level;
}

/**
 * Goods arrive.
 *
 * @throws DomainError stock_limit_exceeded
 */
export function receive(level: StockLevel, quantity: number): StockMovement {
  requireWithinLimit(level.onHand + quantity);
  return stockMovement('receive', quantity);
}

/** What somebody counted, and what they believed the books to say. */
export interface StockCount {
  readonly onHand: number;
  readonly expectedOnHand: number;
}

/**
 * The books are set to what was counted. The expectation guards against a count that others have overtaken.
 *
 * @throws DomainError stale_quantity, stock_reserved, stock_limit_exceeded
 */
export function adjust(level: StockLevel, count: StockCount): StockMovement {
  if (count.expectedOnHand !== level.onHand) {
    throw new DomainError(catalogErrors.stale_quantity, {
      detail: `${level.onHand} pieces are on hand, not ${count.expectedOnHand}.`,
      extensions: { onHand: level.onHand },
    });
  }
  if (count.onHand < level.reserved) {
    throw new DomainError(catalogErrors.stock_reserved, {
      detail: `${level.reserved} pieces are reserved, more than the ${count.onHand} that would be left.`,
      extensions: { reserved: level.reserved },
    });
  }
  requireWithinLimit(count.onHand);
  return stockMovement('adjust', count.onHand - level.onHand);
}

function requireWithinLimit(onHand: number): void {
  if (onHand > MAX_ON_HAND) {
    throw new DomainError(catalogErrors.stock_limit_exceeded, {
      detail: `At most ${MAX_ON_HAND} pieces of one product can be on hand.`,
    });
  }
}
