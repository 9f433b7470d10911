import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { cursorErrors, moneyErrors } from '#kernel';
import { Endpoint, IdempotencyKey, idParamSchema, type Page } from '#platform/http';
import { invariantErrors } from '#platform/invariants';
import type { FastifyReply } from 'fastify';
import { paymentProblems } from './payment-problems.js';
import { CapturePayment, type OperationResult, refusal } from '../application/capture-payment.js';
import { FindPayments } from '../application/find-payments.js';
import type { PaymentView, RefundView } from '../application/payment-view.js';
import { RefundPayment } from '../application/refund-payment.js';
import { paymentErrors } from '../domain/payment.errors.js';
import {
  cancelRequest,
  captureRequest,
  type CaptureRequest,
  paymentPageView,
  paymentQuery,
  type PaymentQuery,
  paymentView,
  refundRequest,
  type RefundRequest,
  refundView,
} from './payments.schema.js';

@ApiTags('Payments')
@Controller('payments')
export class PaymentsController {
  constructor(
    private readonly findPayments: FindPayments,
    private readonly capturePayment: CapturePayment,
    private readonly refundPayment: RefundPayment,
  ) {}

  @Get()
  @Endpoint({
    summary: 'List payments',
    access: 'payments:read',
    responses: { 200: paymentPageView },
    errors: [cursorErrors.invalid_cursor],
  })
  listPayments(
    @Query({ schema: paymentQuery }) { limit, cursor, ...filters }: PaymentQuery,
  ): Promise<Page<PaymentView>> {
    return this.findPayments.list(filters, { limit, cursor });
  }

  @Get(':id')
  @Endpoint({
    summary: 'Get a payment',
    description: 'With its operations at the gateway and its refunds.',
    access: 'payments:read',
    responses: { 200: paymentView },
    errors: [paymentErrors.payment_not_found],
  })
  getPayment(@Param({ schema: idParamSchema }) { id }: { id: string }): Promise<PaymentView> {
    return this.findPayments.get(id);
  }

  @Post(':id/capture')
  @Endpoint({
    summary: 'Capture an authorized payment',
    description:
      'All of it, or an amount; again until the authorized amount is reached. 202 while the outcome is unknown.',
    access: 'payments:capture',
    idempotencyKey: 'required',
    responses: { 200: paymentView, 202: paymentView },
    errors: [
      paymentErrors.payment_not_found,
      paymentErrors.payment_state_conflict,
      paymentErrors.payment_operation_open,
      paymentErrors.capture_exceeds_authorized,
      paymentErrors.capture_failed,
      invariantErrors.captures_frozen,
      moneyErrors.currency_mismatch,
    ],
    problemMembers: paymentProblems,
  })
  async capture(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Body({ schema: captureRequest }) { amount }: CaptureRequest,
    @IdempotencyKey() key: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PaymentView> {
    return answer('capture', await this.capturePayment.capture(id, amount, key), reply);
  }

  @Post(':id/cancel')
  @Endpoint({
    summary: 'Void an authorized payment',
    description: 'Gives up what is not captured. 202 while the outcome is unknown.',
    access: 'payments:void',
    idempotencyKey: 'required',
    responses: { 200: paymentView, 202: paymentView },
    errors: [
      paymentErrors.payment_not_found,
      paymentErrors.payment_state_conflict,
      paymentErrors.payment_operation_open,
      paymentErrors.void_failed,
    ],
    problemMembers: paymentProblems,
  })
  async cancelPayment(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Body({ schema: cancelRequest }) _body: object,
    @IdempotencyKey() key: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PaymentView> {
    return answer('void', await this.capturePayment.void(id, key), reply);
  }

  @Post(':id/refunds')
  @Endpoint({
    summary: 'Refund a captured payment',
    description:
      'An amount, lines of the order, or all that is left. The amount is reserved first, so refunds never exceed the ' +
      'capture. 202 while the outcome is unknown; a refund that the gateway refuses is 201 with status `failed`.',
    access: 'payments:refund',
    idempotencyKey: 'required',
    responses: { 201: refundView, 202: refundView },
    errors: [
      paymentErrors.payment_not_found,
      paymentErrors.payment_state_conflict,
      paymentErrors.refund_exists,
      paymentErrors.refund_exceeds_captured,
      paymentErrors.refund_exceeds_line,
      paymentErrors.unknown_refund_line,
      moneyErrors.currency_mismatch,
    ],
    problemMembers: paymentProblems,
  })
  async refund(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Body({ schema: refundRequest }) body: RefundRequest,
    @IdempotencyKey() key: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RefundView> {
    const refund = await this.refundPayment.execute(id, body, key);
    if (refund.status === 'pending') void reply.status(202);
    return refund;
  }
}

function answer(
  kind: 'capture' | 'void',
  { outcome, payment }: OperationResult,
  reply: FastifyReply,
): PaymentView {
  if (outcome === 'refused') throw refusal(kind, payment);
  if (outcome === 'open') void reply.status(202);
  return payment;
}
