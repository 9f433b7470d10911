import { Body, Controller, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint } from '#platform/http';
import { SettleReport } from '../application/settle-report.js';
import { paymentErrors } from '../domain/payment.errors.js';
import { reportParam, settleReportRequest, type SettleReportRequest } from './payments.schema.js';

@ApiTags('Administration')
@Controller('admin/reports')
export class ReportsController {
  constructor(private readonly settleReport: SettleReport) {}

  @Post(':id/settle')
  @Endpoint({
    summary: 'Settle a contradiction',
    description:
      'When what the gateway said, against the books, has been dealt with: who did, when and why is kept.',
    access: 'operations:write',
    responses: { 204: null },
    errors: [paymentErrors.report_not_found],
  })
  settle(
    @Param({ schema: reportParam }) { id }: { id: string },
    @Body({ schema: settleReportRequest }) { reason }: SettleReportRequest,
  ): Promise<void> {
    return this.settleReport.execute(id, reason);
  }
}
