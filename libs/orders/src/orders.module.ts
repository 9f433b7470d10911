import { Module } from '@nestjs/common';
import { CatalogModule } from '#catalog';
import { PaymentsModule } from '#payments';
import { UsersModule } from '#users';
import { LiveOrdersController } from './api/live-orders.controller.js';
import { OrdersController } from './api/orders.controller.js';
import { ParcelsController } from './api/parcels.controller.js';
import { StuckController } from './api/stuck.controller.js';
import { CancelOrder } from './application/cancel-order.js';
import { ClaimOrders } from './application/claim-orders.js';
import { CloseOrder } from './application/close-order.js';
import { CompleteOrders } from './application/complete-orders.js';
import { ExpireAuthorizations } from './application/expire-authorizations.js';
import { ExpireUnpaidOrders } from './application/expire-unpaid-orders.js';
import { FindOrders } from './application/find-orders.js';
import { FindParcels } from './application/find-parcels.js';
import { FindStuck } from './application/find-stuck.js';
import { ForgetPerson } from './application/forget-person.js';
import { FulfilOrder } from './application/fulfil-order.js';
import { OnPaymentChanged } from './application/on-payment-changed.js';
import { OrderMails } from './application/order-mails.js';
import { OrderAccess } from './application/order-access.js';
import { OrderInvariants } from './application/order-invariants.js';
import { PayOrder } from './application/pay-order.js';
import { PlaceOrder } from './application/place-order.js';
import { PrepareOrder } from './application/prepare-order.js';
import { QuoteOrder } from './application/quote-order.js';
import { ReturnOrder } from './application/return-order.js';
import { SettleCancellation } from './application/settle-cancellation.js';
import { SettleClosing } from './application/settle-closing.js';
import { TransferOrders } from './application/transfer-orders.js';
import { WatchOrder } from './application/watch-order.js';
import { OrderRepository } from './domain/order.repository.js';
import { SqlOrderRepository } from './infrastructure/sql-order.repository.js';

/**
 * What can be done with an order: quote, place, pay, fulfil, close, return, cancel, claim, transfer, expire, complete,
 * read and watch it.
 */
@Module({
  imports: [CatalogModule, PaymentsModule, UsersModule],
  controllers: [OrdersController, LiveOrdersController, ParcelsController, StuckController],
  providers: [
    QuoteOrder,
    PlaceOrder,
    PayOrder,
    FulfilOrder,
    ReturnOrder,
    CloseOrder,
    CancelOrder,
    ClaimOrders,
    TransferOrders,
    ExpireUnpaidOrders,
    ExpireAuthorizations,
    CompleteOrders,
    FindOrders,
    FindParcels,
    FindStuck,
    WatchOrder,
    OnPaymentChanged,
    ForgetPerson,
    OrderMails,
    OrderAccess,
    PrepareOrder,
    SettleCancellation,
    SettleClosing,
    OrderInvariants,
    { provide: OrderRepository, useClass: SqlOrderRepository },
  ],
  exports: [ExpireUnpaidOrders, ExpireAuthorizations, CompleteOrders],
})
export class OrdersModule {}
