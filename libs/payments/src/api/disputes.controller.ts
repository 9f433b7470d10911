import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { cursorErrors } from '#kernel';
import { Endpoint, idParamSchema, type Page } from '#platform/http';
import { type DisputeView, FindDisputes } from '../application/find-disputes.js';
import { paymentErrors } from '../domain/payment.errors.js';
import { disputePageView, disputeQuery, type DisputeQuery, disputeView } from './payments.schema.js';

@ApiTags('Payments')
@Controller('disputes')
export class DisputesController {
  constructor(private readonly findDisputes: FindDisputes) {}

  @Get()
  @Endpoint({
    summary: 'List disputes',
    access: 'payments:read',
    responses: { 200: disputePageView },
    errors: [cursorErrors.invalid_cursor],
  })
  listDisputes(
    @Query({ schema: disputeQuery }) { limit, cursor, ...filters }: DisputeQuery,
  ): Promise<Page<DisputeView>> {
    return this.findDisputes.list(filters, { limit, cursor });
  }

  @Get(':id')
  @Endpoint({
    summary: 'Get a dispute',
    access: 'payments:read',
    responses: { 200: disputeView },
    errors: [paymentErrors.dispute_not_found],
  })
  getDispute(@Param({ schema: idParamSchema }) { id }: { id: string }): Promise<DisputeView> {
    return this.findDisputes.get(id);
  }
}
