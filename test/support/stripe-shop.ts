import { createHmac } from 'node:crypto';
import { newId } from '#kernel';
import { type RunningSimulator, startGatewaySimulator, WEBHOOK_SECRET } from './gateway-simulator.js';
import { Shop } from './shop.js';
import { freePort } from './free-port.js';
import type { Answer } from './test-app.js';

export const WEBHOOKS = '/api/v1/payment-webhooks/stripe';

/** A shop whose money moves at the gateway simulator, which reports to it. */
export interface StripeShop {
  readonly shop: Shop;
  readonly gateway: RunningSimulator;
  readonly close: () => Promise<void>;
}

/** Opens one; calls to the gateway end after half a second. */
export async function openStripeShop(settings: Record<string, string> = {}): Promise<StripeShop> {
  const port = await freePort();
  const gateway = await startGatewaySimulator(`http://127.0.0.1:${port}${WEBHOOKS}`);
  const shop = await Shop.open({
    PORT: String(port),
    PAYMENT_GATEWAY: 'stripe',
    STRIPE_API_KEY: 'sk_test_1',
    STRIPE_API_BASE: gateway.url,
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    GATEWAY_TIMEOUT_MS: '500',
    ...settings,
  });
  const close = async (): Promise<void> => {
    try {
      await shop.close();
    } finally {
      await gateway.close();
    }
  };
  return { shop, gateway, close };
}

/** What the money of an operation has done at the gateway. */
export function effectsOf(
  { simulator }: RunningSimulator,
  operationId: string,
): [kind: string, amount: number][] {
  return simulator.effects.filter(({ key }) => key === operationId).map(({ kind, amount }) => [kind, amount]);
}

/** An event as Stripe would send it about `object`. */
export function eventAbout(type: string, object: object, id = `evt_${newId()}`): object {
  return { id, object: 'event', type, data: { object }, created: Math.floor(Date.now() / 1_000) };
}

/** Sends an event, signed `ageSeconds` ago with `secret`. */
export function sendEvent(
  shop: Pick<Shop, 'api'>,
  event: object | string,
  {
    secret = WEBHOOK_SECRET,
    ageSeconds = 0,
    path = WEBHOOKS,
  }: { secret?: string; ageSeconds?: number; path?: string } = {},
): Promise<Answer> {
  const body = typeof event === 'string' ? event : JSON.stringify(event);
  const timestamp = Math.floor(Date.now() / 1_000) - ageSeconds;
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return shop.api.post(path, body, { headers: { 'stripe-signature': `t=${timestamp},v1=${signature}` } });
}
