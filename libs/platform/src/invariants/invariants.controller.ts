import { Body, Controller, Delete, Get, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint } from '../http/index.js';
import { CaptureFreeze } from './capture-freeze.js';
import {
  capturesView,
  type CapturesView,
  freezeRequest,
  type FreezeRequest,
  invariantsReport,
  type InvariantsReport,
} from './invariants.schema.js';
import { ReportInvariants } from './report-invariants.js';

@ApiTags('Administration')
@Controller('admin/invariants')
export class InvariantsController {
  constructor(
    private readonly reportInvariants: ReportInvariants,
    private readonly captureFreeze: CaptureFreeze,
  ) {}

  @Get()
  @Endpoint({
    summary: 'Check the invariants',
    description:
      'Looks at what has changed since the last look, for a few seconds at most, and tells how all twelve stand. ' +
      'What only tests can prove is listed with the suites that prove it.',
    access: 'operations:read',
    responses: { 200: invariantsReport },
  })
  getInvariants(): Promise<InvariantsReport> {
    return this.reportInvariants.execute();
  }

  @Post('freeze')
  @Endpoint({
    summary: 'Freeze the captures',
    description:
      'From now on, and everywhere within a second, capturing is refused with 503 `captures_frozen`: captures by ' +
      'hand, parcels that capture, and orders that capture at once. Refunds, voids and cancellations stay possible. ' +
      'Freezing what is frozen changes nothing.',
    access: 'operations:write',
    responses: { 200: capturesView },
  })
  async freezeCaptures(@Body({ schema: freezeRequest }) { reason }: FreezeRequest): Promise<CapturesView> {
    await this.captureFreeze.freeze(reason);
    return this.reportInvariants.captures();
  }

  @Delete('freeze')
  @Endpoint({
    summary: 'Lift the freeze of the captures',
    description: 'The breaches that are open now do not freeze again; later ones may.',
    access: 'operations:write',
    responses: { 200: capturesView },
  })
  async liftFreeze(@Body({ schema: freezeRequest }) { reason }: FreezeRequest): Promise<CapturesView> {
    await this.captureFreeze.lift(reason);
    return this.reportInvariants.captures();
  }
}
