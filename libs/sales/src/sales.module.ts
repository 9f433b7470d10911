import { Module } from '@nestjs/common';
import { FindDailySales } from './find-daily-sales.js';
import { RebuildSales } from './rebuild-sales.js';
import { RecordSales } from './record-sales.js';
import { SalesController } from './sales.controller.js';
import { SalesStore } from './sales.store.js';

/** What was sold, counted from events alone: it can be counted again, and knows no other feature. */
@Module({
  controllers: [SalesController],
  providers: [SalesStore, RecordSales, RebuildSales, FindDailySales],
  exports: [RebuildSales],
})
export class SalesModule {}
