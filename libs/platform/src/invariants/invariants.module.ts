import { Global, Module } from '@nestjs/common';
import { CaptureFreeze } from './capture-freeze.js';
import { CheckInvariants } from './check-invariants.js';
import { CheckRecords } from './check-records.js';
import { InvariantsController } from './invariants.controller.js';
import { Invariants } from './invariants.js';
import { ReportInvariants } from './report-invariants.js';

/** What watches over the promises of the house while it runs. Modules register what they promise. */
@Global()
@Module({
  controllers: [InvariantsController],
  providers: [Invariants, CheckInvariants, CheckRecords, ReportInvariants, CaptureFreeze],
  exports: [Invariants, CheckInvariants, CaptureFreeze],
})
export class InvariantsModule {}
