import type { FastifyInstance } from 'fastify';
import { type Happening, invalidRequest, type PaymentSimulator } from '#simulated-gateway';
import type { WebhookSender } from '../webhooks/webhook-sender.js';
import { closeDisputeSchema, disputeSchema, expirySchema, scriptSchema, understand } from './parameters.js';
import { disputeJson, paymentIntentJson } from './wire.js';

/** What tests and people steer the simulator with, and look into it. No key is asked for. */
export function registerControlRoutes(
  server: FastifyInstance,
  simulator: PaymentSimulator,
  webhooks: WebhookSender,
): void {
  server.get('/_sim/effects', () => ({
    data: simulator.effects.map((effect) => ({ ...effect, at: new Date(effect.at).toISOString() })),
    totals: simulator.totals,
  }));
  server.post('/_sim/script', async (request, http) => {
    simulator.follow(understand(scriptSchema, jsonOf(request.body)));
    return http.status(204).send();
  });
  server.post('/_sim/reset', async (_, http) => {
    simulator.reset();
    return http.status(204).send();
  });
  registerHappenings(server, simulator, webhooks);
}

/** What banks and time do to a payment, which no request of a shop asks for. */
function registerHappenings(
  server: FastifyInstance,
  simulator: PaymentSimulator,
  webhooks: WebhookSender,
): void {
  const report = <T>(happening: Happening<T>): T => {
    void webhooks.send(happening.webhooks);
    return happening.result;
  };
  server.post('/_sim/disputes', ({ body }) => {
    const { payment_intent: intentId, amount, reason } = understand(disputeSchema, jsonOf(body));
    return disputeJson(report(simulator.openDispute({ intentId, amount, reason })));
  });
  server.post<{ Params: { id: string } }>('/_sim/disputes/:id/close', ({ params, body }) => {
    const { status } = understand(closeDisputeSchema, jsonOf(body));
    return disputeJson(report(simulator.closeDispute(params.id, status)));
  });
  server.post('/_sim/authorizations/expire', ({ body }) => {
    const { payment_intent: intentId } = understand(expirySchema, jsonOf(body));
    return paymentIntentJson(report(simulator.expireAuthorization(intentId)));
  });
}

/** curl calls everything a form that it is not told the type of. */
function jsonOf(body: unknown): unknown {
  if (typeof body === 'string') throw invalidRequest('Send JSON, with Content-Type: application/json.');
  return body ?? {};
}
