import { Body, Controller, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, IdempotencyKey, idParamSchema } from '#platform/http';
import { paymentProblems } from './payment-problems.js';
import type { PaymentView } from '../application/payment-view.js';
import { ResolveOperation } from '../application/resolve-operation.js';
import { paymentErrors } from '../domain/payment.errors.js';
import { paymentView, resolveOperationRequest, type ResolveOperationRequest } from './payments.schema.js';

@ApiTags('Administration')
@Controller('admin/operations')
export class OperationsController {
  constructor(private readonly resolveOperation: ResolveOperation) {}

  @Post(':id/resolve')
  @Endpoint({
    summary: 'Say what became of an operation',
    description:
      'For an operation that needs attention: nobody could find out by asking the gateway. Look at the books of the ' +
      'gateway first; what is said here moves the order and the ledger. `ask_again` has the gateway asked once more.',
    access: 'operations:write',
    idempotencyKey: 'required',
    responses: { 200: paymentView },
    errors: [paymentErrors.operation_not_found, paymentErrors.operation_not_stuck],
    problemMembers: paymentProblems,
  })
  resolve(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Body({ schema: resolveOperationRequest }) decision: ResolveOperationRequest,
    @IdempotencyKey() key: string,
  ): Promise<PaymentView> {
    return this.resolveOperation.execute(id, decision, key);
  }
}
