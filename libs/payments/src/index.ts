export type { PaymentAudit } from './application/audit-payments.js';
export { ResolveOpenOperations } from './application/resolve-open-operations.js';
export { paymentErrors } from './domain/payment.errors.js';
export { CAPTURE_MODES, type CaptureMode } from './domain/payment.js';
export { PAYMENT_STATUSES } from './domain/payment-status.js';
export { paymentEvents, type PaymentEventData } from './payments.events.js';
export { PaymentsFacade } from './payments.facade.js';
export { PaymentsModule } from './payments.module.js';
