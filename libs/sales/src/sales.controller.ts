import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { cursorErrors } from '#kernel';
import { Endpoint, type Page } from '#platform/http';
import { type DailySalesView, FindDailySales } from './find-daily-sales.js';
import { dailySalesPageView, dailySalesQuery, type DailySalesQuery } from './sales.schema.js';

@ApiTags('Sales')
@Controller('sales')
export class SalesController {
  constructor(private readonly findDailySales: FindDailySales) {}

  @Get('daily')
  @Endpoint({
    summary: 'List what was sold per day and product',
    description:
      'Per UTC day, product and currency, the newest day first; currencies are never added up. The figures follow the ' +
      'orders within moments. An order counts when it is confirmed, which is when its money is authorized or captured.',
    access: 'sales:read',
    responses: { 200: dailySalesPageView },
    errors: [cursorErrors.invalid_cursor],
  })
  listDailySales(
    @Query({ schema: dailySalesQuery }) { limit, cursor, ...filters }: DailySalesQuery,
  ): Promise<Page<DailySalesView>> {
    return this.findDailySales.list(filters, { limit, cursor });
  }
}
