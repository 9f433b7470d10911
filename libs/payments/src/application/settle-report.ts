import { Injectable } from '@nestjs/common';
import { actorReference, DomainError } from '#kernel';
import { currentActor } from '#platform/context';
import { Database } from '#platform/database';
import { paymentErrors } from '../domain/payment.errors.js';
import { GatewayReports } from './gateway-reports.js';

/** Staff have done what a contradiction called for: money was given back, or booked, by hand. */
@Injectable()
export class SettleReport {
  constructor(
    private readonly reports: GatewayReports,
    private readonly database: Database,
  ) {}

  /** @throws DomainError report_not_found */
  async execute(reportId: string, reason: string): Promise<void> {
    await this.database.transaction(async () => {
      const wasOpen = await this.reports.settle(reportId, actorReference(currentActor()), reason);
      if (!wasOpen) throw new DomainError(paymentErrors.report_not_found);
    });
  }
}
