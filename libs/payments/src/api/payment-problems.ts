import { describeMembers, idSchema } from '#platform/http';
import { z } from 'zod';
import { paymentErrors } from '../domain/payment.errors.js';
import { paymentView } from './payments.schema.js';

const line = { lineId: idSchema };
const minorUnits = z.int().meta({ description: 'Minor units that are left.' });

describeMembers(paymentErrors.capture_failed, { payment: paymentView });
describeMembers(paymentErrors.void_failed, { payment: paymentView });
describeMembers(paymentErrors.payment_state_conflict, {
  paymentStatus: z.string().optional(),
  fulfilledMinor: z.int().optional(),
  capturedAmount: z.int().optional(),
});
describeMembers(paymentErrors.payment_does_not_cover, { worthMinor: z.int(), authorizedAmount: z.int() });
describeMembers(paymentErrors.capture_exceeds_authorized, { capturableAmount: minorUnits });
describeMembers(paymentErrors.refund_exceeds_captured, { refundableAmount: minorUnits });
describeMembers(paymentErrors.unknown_refund_line, line);
describeMembers(paymentErrors.refund_exceeds_line, { ...line, refundableAmount: minorUnits });
describeMembers(paymentErrors.operation_not_stuck, { operationStatus: z.string() });
