import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { defineFailpoint } from '#platform/failpoints';
import { paymentErrors } from '../domain/payment.errors.js';
import { PaymentGateway } from '../domain/payment-gateway.js';
import { GatewayReports } from './gateway-reports.js';

/** Where a crash can fall while a report comes in, in the order in which they are passed. */
const failpoints = {
  /** Its signature is good, and it is not kept yet. */
  verified: defineFailpoint('payments.report.verified'),
  /** It is kept, and the gateway was not told yet. */
  kept: defineFailpoint('payments.report.kept'),
};

/** Takes what the gateway reports by itself. It is kept before it is answered, and applied after, by the worker. */
@Injectable()
export class ReceiveReport {
  constructor(
    private readonly gateway: PaymentGateway,
    private readonly reports: GatewayReports,
  ) {}

  /**
   * @param body as it came, byte for byte: the signature is over that
   * @throws DomainError unknown_gateway, webhook_signature_invalid
   */
  async execute(
    gatewayName: string,
    body: Buffer,
    headers: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    if (gatewayName !== this.gateway.name) throw new DomainError(paymentErrors.unknown_gateway);
    const report = this.gateway.readReport(body, headers);
    await failpoints.verified.reach();
    await this.reports.keep(gatewayName, report);
    await failpoints.kept.reach();
  }
}
