import { Controller, Headers, Param, Post } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiTags } from '@nestjs/swagger';
import { Endpoint, KeepsRawBody, RawBody } from '#platform/http';
import { ReceiveReport } from '../application/receive-report.js';
import { paymentErrors } from '../domain/payment.errors.js';
import { gatewayParam, webhookReceipt } from './payments.schema.js';

@ApiTags('Payments')
@Controller('payment-webhooks')
export class PaymentWebhooksController {
  constructor(private readonly receiveReport: ReceiveReport) {}

  /** The body is the gateway's own, and only its signature counts: before that is good, nobody parses it. */
  @Post(':gateway')
  @KeepsRawBody()
  @ApiBody({
    required: false,
    schema: { type: 'object', description: 'An event, as the gateway makes it.', additionalProperties: true },
  })
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
    @RawBody() body: Buffer,
    @Headers() headers: Record<string, unknown>,
  ): Promise<{ received: true }> {
    await this.receiveReport.execute(gateway, body, headers);
    return { received: true };
  }
}
