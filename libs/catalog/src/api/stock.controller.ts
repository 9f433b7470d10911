import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { actorReference, cursorErrors } from '#kernel';
import { currentActor } from '#platform/context';
import { Endpoint, IdempotencyKey, idParamSchema, type Page, pageQuerySchema } from '#platform/http';
import { Idempotency } from '#platform/idempotency';
import type { z } from 'zod';
import { catalogProblems } from './catalog-problems.js';
import { FindStock } from '../application/find-stock.js';
import { RecordStockMovement } from '../application/record-stock-movement.js';
import { catalogErrors } from '../domain/catalog.errors.js';
import { availableOf, type StockLevel } from '../domain/stock-level.js';
import type { JournaledMovement } from '../domain/stock.repository.js';
import {
  recordedMovementSchema,
  type RecordedMovementView,
  stockLevelSchema,
  type StockLevelView,
  stockMovementPageSchema,
  type StockMovementView,
  stockReportSchema,
} from './stock.schema.js';

type IdParam = z.output<typeof idParamSchema>;

@ApiTags('Catalog')
@Controller('products/:id')
export class StockController {
  constructor(
    private readonly findStock: FindStock,
    private readonly recordMovement: RecordStockMovement,
    private readonly idempotency: Idempotency,
  ) {}

  @Get('stock')
  @Endpoint({
    summary: 'Get the stock of a product',
    access: 'stock:read',
    responses: { 200: stockLevelSchema },
    errors: [catalogErrors.product_not_found],
  })
  async getStock(@Param({ schema: idParamSchema }) { id }: IdParam): Promise<StockLevelView> {
    return levelView(id, await this.findStock.level(id));
  }

  @Post('stock-movements')
  @Endpoint({
    summary: 'Receive or adjust stock',
    description:
      '`receive` adds goods that arrived. `adjust` sets what was counted: `stale_quantity` answers the current ' +
      '`onHand` when it is not the expected one, `stock_reserved` the number of `reserved` pieces when fewer would ' +
      'be left.',
    access: 'stock:write',
    responses: { 201: recordedMovementSchema },
    errors: [
      catalogErrors.product_not_found,
      catalogErrors.stale_quantity,
      catalogErrors.stock_reserved,
      catalogErrors.stock_limit_exceeded,
    ],
    problemMembers: catalogProblems,
    idempotencyKey: 'required',
  })
  async recordStockMovement(
    @Param({ schema: idParamSchema }) { id }: IdParam,
    @IdempotencyKey() key: string,
    @Body({ schema: stockReportSchema }) report: z.output<typeof stockReportSchema>,
  ): Promise<RecordedMovementView> {
    const call = {
      principal: actorReference(currentActor()),
      operation: 'catalog.record_stock_movement',
      key,
      payload: { productId: id, ...report },
    };
    return this.idempotency.once(call, async () => {
      const { movement, level } = await this.recordMovement.execute(id, report);
      return { ...movementView(movement), stock: levelView(id, level) };
    });
  }

  @Get('stock-movements')
  @Endpoint({
    summary: "List a product's stock movements",
    description: 'The journal, newest first.',
    access: 'stock:read',
    responses: { 200: stockMovementPageSchema },
    errors: [catalogErrors.product_not_found, cursorErrors.invalid_cursor],
  })
  async listStockMovements(
    @Param({ schema: idParamSchema }) { id }: IdParam,
    @Query({ schema: pageQuerySchema }) query: z.output<typeof pageQuerySchema>,
  ): Promise<Page<StockMovementView>> {
    const page = await this.findStock.journal(id, query);
    return { ...page, data: page.data.map(movementView) };
  }
}

function levelView(productId: string, level: StockLevel): StockLevelView {
  return { productId, onHand: level.onHand, reserved: level.reserved, available: availableOf(level) };
}

function movementView(movement: JournaledMovement): StockMovementView {
  return { ...movement, occurredAt: movement.occurredAt.toISOString() };
}
