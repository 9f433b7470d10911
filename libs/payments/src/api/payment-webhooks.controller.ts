import { Controller, Headers, Param, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiTags } from '@nestjs/swagger';
import { DomainError } from '#kernel';
import { Endpoint, KeepsRawBody, RawBody } from '#platform/http';
import { RateLimits } from '#platform/security';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ReceiveReport } from '../application/receive-report.js';
import { paymentErrors } from '../domain/payment.errors.js';
import { gatewayParam, webhookReceipt } from './payments.schema.js';

/** What a call is answered with that does not come from the gateway. */
const OF_STRANGERS: ReadonlySet<string> = new Set([
  paymentErrors.unknown_gateway.code,
  paymentErrors.webhook_signature_invalid.code,
]);

@ApiTags('Payments')
@Controller('payment-webhooks')
export class PaymentWebhooksController {
  constructor(
    private readonly receiveReport: ReceiveReport,
    private readonly rateLimits: RateLimits,
  ) {}

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
      'whatever order events come. What the gateway has not signed counts as a write of its address.',
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
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ received: true }> {
    try {
      await this.receiveReport.execute(gateway, body, headers);
    } catch (error) {
      const isStranger = error instanceof DomainError && OF_STRANGERS.has(error.code);
      if (isStranger) await this.rateLimits.admitUnsigned(request, reply);
      throw error;
    }
    return { received: true };
  }
}
