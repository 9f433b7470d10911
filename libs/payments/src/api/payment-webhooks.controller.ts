import { Body, Controller, Headers, Param, Post } from '@nestjs/common';
import { ApiHeader, ApiTags } from '@nestjs/swagger';
import { Endpoint, KeepsRawBody, RawBody } from '#platform/http';
import { ReceiveReport } from '../application/receive-report.js';
import { paymentErrors } from '../domain/payment.errors.js';
import { gatewayParam, webhookReceipt, webhookRequest } from './payments.schema.js';

@ApiTags('Payments')
@Controller('payment-webhooks')
export class PaymentWebhooksController {
  constructor(private readonly receiveReport: ReceiveReport) {}

  @Post(':gateway')
  @KeepsRawBody()
  @ApiHeader({
    name: 'Stripe-Signature',
    required: false,
    description: 'From Stripe: the signature over the body.',
  })
  @Endpoint({
    summary: 'Take a webhook of the payment gateway',
    description:
      'For the gateway alone. A signed event is kept and answered at once; it is applied after that, once, in ' +
      'whatever order events come.',
    access: 'public',
    rateLimit: 'webhook',
    responses: { 200: webhookReceipt },
    errors: [
      paymentErrors.unknown_gateway,
      paymentErrors.webhook_signature_invalid,
      paymentErrors.webhook_malformed,
    ],
  })
  async receive(
    @Param({ schema: gatewayParam }) { gateway }: { gateway: string },
    @Body({ schema: webhookRequest }) _body: object,
    @RawBody() body: Buffer,
    @Headers() headers: Record<string, unknown>,
  ): Promise<{ received: true }> {
    await this.receiveReport.execute(gateway, body, headers);
    return { received: true };
  }
}
