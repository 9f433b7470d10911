import { Injectable } from '@nestjs/common';
import { actorReference, DomainError } from '#kernel';
import { currentContext } from '#platform/context';
import { Database, isCheckViolation } from '#platform/database';
import { catalogErrors } from '../domain/catalog.errors.js';
import type { ReservationRelease, StockQuantity } from '../domain/reservation.js';
import { applyMovement, type StockLevel, type StockMovement } from '../domain/stock-level.js';
import {
  type AvailabilityChange,
  type JournaledMovement,
  type Shortage,
  type StockOutcome,
  StockRepository,
} from '../domain/stock.repository.js';
import * as statements from './stock-statements.js';

/** A row of `reserveStock`: of a product that is short, `requested` is set; of one that has changed, the others. */
interface ReserveRow {
  productId: string;
  requested: number | null;
  available: number;
  availableBefore: number | null;
  version: number | null;
}

interface AppliedRow {
  id: string;
  occurredAt: Date;
  availableBefore: number;
  available: number;
  version: number;
  availabilityChanged: boolean;
}

/** The stock in PostgreSQL, by hand-written statements: this is the hottest path of the catalog. */
@Injectable()
export class SqlStockRepository extends StockRepository {
  constructor(private readonly database: Database) {
    super();
  }

  override async reserve(orderId: string, quantities: readonly StockQuantity[]): Promise<StockOutcome> {
    const rows = await this.database.query<ReserveRow>(statements.reserveStock, [
      ...causeOf(orderId),
      ...columnsOf(quantities),
    ]);
    const shortages: Shortage[] = [];
    const changes: AvailabilityChange[] = [];
    for (const { productId, requested, available, availableBefore, version } of rows) {
      if (requested !== null) shortages.push({ productId, requested, available });
      else if (availableBefore !== null && version !== null)
        changes.push({ productId, availableBefore, available, version });
    }
    return { shortages, changes };
  }

  override async commit(orderId: string): Promise<void> {
    await this.database.query(statements.commitReservations, causeOf(orderId));
  }

  override async release(orderId: string, as: ReservationRelease): Promise<readonly AvailabilityChange[]> {
    return this.database.query<AvailabilityChange>(statements.releaseReservations[as], causeOf(orderId));
  }

  override async ship(orderId: string, quantities: readonly StockQuantity[]): Promise<readonly Shortage[]> {
    return this.database.query<Shortage>(statements.shipStock, [
      ...causeOf(orderId),
      ...columnsOf(quantities),
    ]);
  }

  override async takeBack(
    orderId: string,
    quantities: readonly StockQuantity[],
  ): Promise<readonly AvailabilityChange[]> {
    try {
      return await this.database.query<AvailabilityChange>(statements.returnStock, [
        ...causeOf(orderId),
        ...columnsOf(quantities),
      ]);
    } catch (error) {
      if (isCheckViolation(error, 'stock_levels_bounded')) {
        throw new DomainError(catalogErrors.stock_limit_exceeded, { cause: error });
      }
      throw error;
    }
  }

  override async update(
    productId: string,
    decide: (level: StockLevel) => StockMovement,
    reason: string | null,
  ): Promise<{ movement: JournaledMovement; level: StockLevel; change: AvailabilityChange | undefined }> {
    const before = await this.database.queryOne<StockLevel>(statements.lockLevel, [productId]);
    if (!before) throw new DomainError(catalogErrors.product_not_found);
    const movement = decide(before);
    const level = applyMovement(before, movement);
    const { actor: currentActor, requestId } = currentContext();
    const actor = actorReference(currentActor);
    const { kind, quantity, onHandDelta, reservedDelta } = movement;
    const applied = await this.database.queryOne<AppliedRow>(statements.applyMovement, [
      productId,
      ...[kind, quantity, onHandDelta, reservedDelta, reason, actor, requestId],
    ]);
    if (!applied) throw new Error(`The stock level of ${productId} is gone although it is locked.`);
    const { id, occurredAt, availabilityChanged, availableBefore, available, version } = applied;
    return {
      movement: { ...movement, id, productId, orderId: null, reason, actor, occurredAt },
      level,
      change: availabilityChanged ? { productId, availableBefore, available, version } : undefined,
    };
  }
}

/** The parameters $1 to $3 of an order's statements. */
function causeOf(orderId: string): [string, string, string] {
  const { actor, requestId } = currentContext();
  return [orderId, actorReference(actor), requestId];
}

/** The quantities as the two arrays that the statements unnest. */
function columnsOf(quantities: readonly StockQuantity[]): [string[], number[]] {
  return [quantities.map(({ productId }) => productId), quantities.map(({ quantity }) => quantity)];
}
