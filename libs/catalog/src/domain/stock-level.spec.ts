import { DomainError } from '#kernel';
import fc from 'fast-check';
import {
  adjust,
  applyMovement,
  availableOf,
  EMPTY_STOCK,
  levelAfter,
  MAX_ON_HAND,
  receive,
  STOCK_MOVEMENT_KINDS,
  type StockLevel,
  type StockMovement,
  stockMovement,
} from './stock-level.js';

const levels = fc
  .record({
    onHand: fc.integer({ min: 0, max: MAX_ON_HAND }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ onHand, share }): StockLevel => ({ onHand, reserved: Math.floor(onHand * share) }));

const kinds = fc.constantFrom(...STOCK_MOVEMENT_KINDS);

function isSound({ onHand, reserved }: StockLevel): boolean {
  return Number.isSafeInteger(onHand) && 0 <= reserved && reserved <= onHand && onHand <= MAX_ON_HAND;
}

function codeOf(fn: () => unknown): string | undefined {
  try {
    fn();
    return undefined;
  } catch (error) {
    return error instanceof DomainError ? error.code : String(error);
  }
}

describe('a stock movement', () => {
  it('either leaves a sound level or is refused', () => {
    fc.assert(
      fc.property(levels, kinds, fc.integer({ min: 1, max: 10_000_000 }), (level, kind, quantity) => {
        try {
          expect(isSound(applyMovement(level, stockMovement(kind, quantity)))).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  it('of a journal adds up to the level that the movements led to', () => {
    const steps = fc.array(fc.tuple(kinds, fc.integer({ min: 1, max: 100 })), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (tries) => {
        let level = EMPTY_STOCK;
        const journal: StockMovement[] = [];
        for (const [kind, quantity] of tries) {
          const movement = stockMovement(kind, quantity);
          try {
            level = applyMovement(level, movement);
            journal.push(movement);
          } catch {
            // What a level does not allow never gets into a journal.
          }
        }
        expect(levelAfter(journal)).toEqual(level);
        const onHand = journal.reduce((sum, { onHandDelta }) => sum + onHandDelta, 0);
        const reserved = journal.reduce((sum, { reservedDelta }) => sum + reservedDelta, 0);
        expect({ onHand, reserved }).toEqual(level);
      }),
    );
  });

  it('that reserves and is released, or commits, changes nothing in the end', () => {
    fc.assert(
      fc.property(levels, fc.integer({ min: 1, max: 1_000 }), (level, quantity) => {
        fc.pre(availableOf(level) >= quantity);
        const reserved = applyMovement(level, stockMovement('reserve', quantity));
        expect(availableOf(reserved)).toBe(availableOf(level) - quantity);
        expect(applyMovement(reserved, stockMovement('commit', quantity))).toEqual(reserved);
        expect(applyMovement(reserved, stockMovement('release', quantity))).toEqual(level);
        const shipped = applyMovement(reserved, stockMovement('ship', quantity));
        expect(availableOf(shipped)).toBe(availableOf(reserved));
      }),
    );
  });
});

describe('receiving', () => {
  it('adds to what is on hand, up to the limit', () => {
    fc.assert(
      fc.property(levels, fc.integer({ min: 1, max: 10_000_000 }), (level, quantity) => {
        const fits = level.onHand + quantity <= MAX_ON_HAND;
        expect(codeOf(() => receive(level, quantity))).toBe(fits ? undefined : 'stock_limit_exceeded');
        if (fits) expect(applyMovement(level, receive(level, quantity)).onHand).toBe(level.onHand + quantity);
      }),
    );
  });
});

describe('adjusting', () => {
  it('sets the books to what was counted', () => {
    fc.assert(
      fc.property(levels, fc.integer({ min: 0, max: MAX_ON_HAND }), (level, onHand) => {
        fc.pre(onHand >= level.reserved);
        const movement = adjust(level, { onHand, expectedOnHand: level.onHand });
        expect(applyMovement(level, movement)).toEqual({ onHand, reserved: level.reserved });
      }),
    );
  });

  it.each([
    ['the expectation is stale', { onHand: 9, expectedOnHand: 8 }, 'stale_quantity'],
    [
      'the expectation is stale and too little would be left',
      { onHand: 1, expectedOnHand: 8 },
      'stale_quantity',
    ],
    ['less than what is reserved would be left', { onHand: 3, expectedOnHand: 10 }, 'stock_reserved'],
    ['more than a product can hold', { onHand: MAX_ON_HAND + 1, expectedOnHand: 10 }, 'stock_limit_exceeded'],
  ])('is refused when %s', (_, count, code) => {
    expect(codeOf(() => adjust({ onHand: 10, reserved: 4 }, count))).toBe(code);
  });
});
