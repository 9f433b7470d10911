import { idSchema, type ProblemMembers } from '#platform/http';
import { z } from 'zod';
import type { paymentErrors } from '../domain/payment.errors.js';
import { paymentView } from './payments.schema.js';

const line = { lineId: idSchema };
const minorUnits = z.int().meta({ description: 'Minor units that are left.' });

/** What problems of payments hold. */
export const paymentProblems = {
  capture_failed: { payment: paymentView },
  void_failed: { payment: paymentView },
  payment_state_conflict: {
    paymentStatus: z.string().optional(),
    fulfilledMinor: z.int().optional(),
    capturedAmount: z.int().optional(),
  },
  payment_does_not_cover: { worthMinor: z.int(), authorizedAmount: z.int() },
  capture_exceeds_authorized: { capturableAmount: minorUnits },
  refund_exceeds_captured: { refundableAmount: minorUnits },
  unknown_refund_line: line,
  refund_exceeds_line: { ...line, refundableAmount: minorUnits },
  operation_not_stuck: { operationStatus: z.string() },
} satisfies ProblemMembers<keyof typeof paymentErrors>;
