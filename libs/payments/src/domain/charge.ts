import { DomainError } from '#kernel';
import { captureEntry, minus, plus, take, totalOf } from './ledger.js';
import type { Operation } from './operation.js';
import { paymentErrors } from './payment.errors.js';
import type { GatewayOutcome } from './payment-gateway.js';
import type { Consequence, PaymentState } from './payment-state.js';
import { nextPaymentStatus } from './payment-status.js';

/*
 * The charge: what answers of the gateway make of the money that is authorized and captured. Nothing here changes
 * anything; the payment takes over what comes of it.
 */

/** What was authorized and is not captured yet, in minor units. */
export function capturableAmount({ authorizedAmount, captured }: PaymentState): number {
  return authorizedAmount - totalOf(captured);
}

/**
 * Goods worth `worthMinor` in all may leave: what is authorized covers them, and it has neither been given back nor
 * been taken back by a bank. A refund of a part is goodwill and stops nothing.
 *
 * @throws DomainError payment_does_not_cover
 */
export function requireCover(state: PaymentState, worthMinor: number): void {
  const { authorizedAmount, refunded, pendingRefundAmount, disputedAmount } = state;
  const gone = totalOf(refunded) + pendingRefundAmount + disputedAmount;
  const isGivenBack = authorizedAmount > 0 && gone >= authorizedAmount;
  if (worthMinor > authorizedAmount || isGivenBack) {
    throw new DomainError(paymentErrors.payment_does_not_cover, {
      extensions: { worthMinor, authorizedAmount },
    });
  }
}

export function afterAuthorization(
  state: PaymentState,
  operation: Operation,
  outcome: GatewayOutcome,
): Consequence {
  switch (outcome.result) {
    case 'succeeded': {
      const authorized = {
        authorizedAmount: operation.amount,
        gatewayPaymentId: outcome.gatewayId,
        authorizedUntil: outcome.authorizedUntil ?? null,
        outcome: null,
      };
      if (state.captureMode === 'automatic') {
        const { difference, ...captured } = afterCapture({ ...state, ...authorized }, operation);
        return { ...captured, difference: { ...authorized, ...difference } };
      }
      return {
        change: 'authorized',
        difference: { ...authorized, status: nextPaymentStatus(state.status, 'authorized') },
      };
    }
    case 'requires_action':
      return {
        change: 'action_required',
        difference: { status: nextPaymentStatus(state.status, 'requires_action'), outcome: null },
      };
    default:
      return {
        change: 'declined',
        difference: {
          status: nextPaymentStatus(state.status, 'requires_payment_method'),
          outcome: null,
          declineCode: outcome.declineCode,
        },
      };
  }
}

/** @param isLast nothing more is held, whether or not all of it was captured */
export function afterCapture(state: PaymentState, operation: Operation, isLast = false): Consequence {
  const { total, captured, currency, status } = state;
  const taken = take(operation.amount, minus(total, captured), currency);
  const sum = plus(captured, taken);
  const authorizedAmount = isLast ? totalOf(sum) : state.authorizedAmount;
  const next = totalOf(sum) === authorizedAmount ? 'captured' : 'partially_captured';
  return {
    change: 'captured',
    difference: {
      authorizedAmount,
      captured: sum,
      status: next === status ? status : nextPaymentStatus(status, next),
      ...(next === 'captured' ? { authorizedUntil: null } : {}),
    },
    entry: captureEntry(operation.id, taken),
  };
}

/** What is authorized and not captured is gone: it was given up, or has ended at the gateway by itself. */
export function afterRelease(state: PaymentState, cause: 'voided' | 'authorization_expired'): Consequence {
  const { captured, status } = state;
  const next = totalOf(captured) === 0 ? 'canceled' : 'captured';
  return {
    change: cause === 'voided' ? next : cause,
    difference: {
      status: nextPaymentStatus(status, next),
      authorizedAmount: totalOf(captured),
      authorizedUntil: null,
    },
  };
}
