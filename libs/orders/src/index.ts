export { ExpireAuthorizations } from './application/expire-authorizations.js';
export { CompleteOrders } from './application/complete-orders.js';
export { ExpireUnpaidOrders } from './application/expire-unpaid-orders.js';
export { OrdersModule } from './orders.module.js';
