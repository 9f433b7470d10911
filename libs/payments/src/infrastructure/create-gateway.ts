import type { Settings } from '#platform/config';
import type { PaymentGateway } from '../domain/payment-gateway.js';
import { SandboxGateway } from './sandbox-gateway.js';
import { StripeGateway } from './stripe-gateway.js';

/** The gateway that the settings name. */
export function createGateway(settings: Settings): PaymentGateway {
  switch (settings.PAYMENT_GATEWAY) {
    case 'sandbox':
      return new SandboxGateway();
    case 'stripe':
      return new StripeGateway({
        // Its absence is refused when the settings are read.
        apiKey: settings.STRIPE_API_KEY ?? '',
        apiBase: settings.STRIPE_API_BASE,
        webhookSecret: settings.STRIPE_WEBHOOK_SECRET,
      });
  }
}
