import { Module } from '@nestjs/common';
import { StockController } from './api/stock.controller.js';
import { AvailabilityAnnouncer } from './application/availability-announcer.js';
import { CommitReservations } from './application/commit-reservations.js';
import { FindReservations } from './application/find-reservations.js';
import { FindSellable } from './application/find-sellable.js';
import { FindStock } from './application/find-stock.js';
import { LowStockAlerts } from './application/low-stock-alerts.js';
import { RecordStockMovement } from './application/record-stock-movement.js';
import { ReleaseReservations } from './application/release-reservations.js';
import { ReserveStock } from './application/reserve-stock.js';
import { ReturnStock } from './application/return-stock.js';
import { ShipStock } from './application/ship-stock.js';
import { StockInvariants } from './application/stock-invariants.js';
import { CatalogFacade } from './catalog.facade.js';
import { DemoCatalog } from './demo-catalog.js';
import { StockRepository } from './domain/stock.repository.js';
import { ImportController } from './import/import.controller.js';
import { ImportProducts } from './import/import-products.js';
import { StagedRows } from './import/staged-rows.js';
import { UploadParsers } from './import/upload.js';
import { SqlStockRepository } from './infrastructure/sql-stock.repository.js';
import { ProductCache } from './products/product-cache.js';
import { Products } from './products/products.js';
import { ProductsController } from './products/products.controller.js';

/** What can be sold, for how much, and how many there are. */
@Module({
  controllers: [ImportController, ProductsController, StockController],
  providers: [
    // Products: their text and price.
    Products,
    ProductCache,

    // Products by the file.
    ImportProducts,
    StagedRows,
    UploadParsers,

    // Stock: by hand, and for orders.
    FindStock,
    RecordStockMovement,
    FindSellable,
    ReserveStock,
    CommitReservations,
    ReleaseReservations,
    ShipStock,
    ReturnStock,
    AvailabilityAnnouncer,
    LowStockAlerts,
    FindReservations,
    StockInvariants,
    { provide: StockRepository, useClass: SqlStockRepository },

    CatalogFacade,
    DemoCatalog,
  ],
  exports: [CatalogFacade, DemoCatalog],
})
export class CatalogModule {}
