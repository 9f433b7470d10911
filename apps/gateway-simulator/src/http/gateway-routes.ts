import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Call, Dispute, Intent, PaymentSimulator, Refund, Reply } from '#simulated-gateway';
import type { Settlement } from '../settlement.js';
import type { WebhookSender } from '../webhooks/webhook-sender.js';
import { callOf } from './call.js';
import { carryOut } from './carry-out.js';
import { parseForm } from './form.js';
import {
  cancelParameters,
  captureParameters,
  createParameters,
  listParameters,
  refundParameters,
  retrieveParameters,
  searchParameters,
  understand,
} from './parameters.js';
import { disputeJson, paymentIntentJson, refundJson } from './wire.js';

interface Context {
  readonly simulator: PaymentSimulator;
  readonly webhooks: WebhookSender;
  readonly settlement: Settlement;
}

/** Reads the parameters, has the simulator act, and says how what comes of it is written. */
type Endpoint = (
  parameters: unknown,
  call: Call,
  id: string,
) => { readonly reply: Reply<unknown>; readonly toJson: (result: never) => object };

type Serve = (method: 'GET' | 'POST', url: string, endpoint: Endpoint) => void;

/** The part of Stripe's API that charges cards. */
export function registerGatewayRoutes(server: FastifyInstance, context: Context): void {
  const { simulator, webhooks, settlement } = context;
  const serve: Serve = (method, url, endpoint) => {
    const handler = async (request: FastifyRequest, http: FastifyReply): Promise<FastifyReply> => {
      const form = typeof request.body === 'string' ? request.body : '';
      const call = callOf(request, form);
      const { id = '' } = request.params as { id?: string };
      const { reply, toJson } = endpoint(method === 'POST' ? parseForm(form) : request.query, call, id);
      settlement.arm();
      await carryOut(reply, call, toJson as (result: unknown) => object, http, webhooks);
      return http;
    };
    server.route({ method, url, handler });
  };
  registerIntents(serve, simulator);
  registerRefunds(serve, simulator);
  registerDisputes(serve, simulator);
}

function registerIntents(serve: Serve, simulator: PaymentSimulator): void {
  serve('POST', '/v1/payment_intents', (parameters, call) => {
    const sent = understand(createParameters, parameters);
    const reply = simulator.create(call, {
      amount: sent.amount,
      currency: sent.currency,
      captureMethod: sent.capture_method,
      confirm: sent.confirm,
      paymentMethod: sent.payment_method ?? null,
      metadata: sent.metadata,
      multicapture:
        sent.capture_method === 'manual' &&
        sent.payment_method_options?.card?.request_multicapture === 'if_available',
      errorOnAction: sent.error_on_requires_action,
    });
    return { reply, toJson: (intent: Intent) => paymentIntentJson(intent, sent.expand) };
  });
  serve('GET', '/v1/payment_intents/search', (parameters, call) => {
    const { query, limit } = understand(searchParameters, parameters);
    const reply = simulator.search(call, query.name, query.value);
    return { reply, toJson: (found: Intent[]) => searchResultJson(found, limit) };
  });
  serve('GET', '/v1/payment_intents/:id', (parameters, call, id) => {
    const { expand } = understand(retrieveParameters, parameters);
    return {
      reply: simulator.intent(call, id),
      toJson: (intent: Intent) => paymentIntentJson(intent, expand),
    };
  });
  serve('POST', '/v1/payment_intents/:id/capture', (parameters, call, id) => {
    const sent = understand(captureParameters, parameters);
    const reply = simulator.capture(call, {
      intentId: id,
      amount: sent.amount_to_capture,
      isFinal: sent.final_capture,
      metadata: sent.metadata,
    });
    return { reply, toJson: (intent: Intent) => paymentIntentJson(intent, sent.expand) };
  });
  serve('POST', '/v1/payment_intents/:id/cancel', (parameters, call, id) => {
    const sent = understand(cancelParameters, parameters);
    return {
      reply: simulator.cancel(call, id, sent.cancellation_reason ?? null),
      toJson: (intent: Intent) => paymentIntentJson(intent, sent.expand),
    };
  });
}

function registerRefunds(serve: Serve, simulator: PaymentSimulator): void {
  serve('POST', '/v1/refunds', (parameters, call) => {
    const sent = understand(refundParameters, parameters);
    const reply = simulator.refund(call, {
      intentId: sent.payment_intent,
      amount: sent.amount,
      reason: sent.reason ?? null,
      metadata: sent.metadata,
    });
    return { reply, toJson: refundJson };
  });
  serve('GET', '/v1/refunds', (parameters, call) => {
    const sent = understand(listParameters, parameters);
    const reply = simulator.refundsOfIntent(call, sent.payment_intent);
    return { reply, toJson: (refunds: Refund[]) => listJson('/v1/refunds', refunds, refundJson, sent) };
  });
  serve('GET', '/v1/refunds/:id', (parameters, call, id) => {
    understand(retrieveParameters, parameters);
    return { reply: simulator.refundOf(call, id), toJson: refundJson };
  });
}

function registerDisputes(serve: Serve, simulator: PaymentSimulator): void {
  serve('GET', '/v1/disputes', (parameters, call) => {
    const sent = understand(listParameters, parameters);
    const reply = simulator.disputesOfIntent(call, sent.payment_intent);
    return { reply, toJson: (disputes: Dispute[]) => listJson('/v1/disputes', disputes, disputeJson, sent) };
  });
  serve('GET', '/v1/disputes/:id', (parameters, call, id) => {
    understand(retrieveParameters, parameters);
    return { reply: simulator.disputeOf(call, id), toJson: disputeJson };
  });
}

function searchResultJson(found: readonly Intent[], limit: number): object {
  return {
    object: 'search_result',
    data: found.slice(0, limit).map((intent) => paymentIntentJson(intent)),
    has_more: found.length > limit,
    next_page: null,
    url: '/v1/payment_intents/search',
  };
}

/** The page of `all` that was asked for. */
function listJson<T extends { readonly id: string }>(
  url: string,
  all: readonly T[],
  toJson: (each: T) => object,
  { limit, starting_after: after }: z.output<typeof listParameters>,
): object {
  const from = all.findIndex(({ id }) => id === after) + 1;
  return {
    object: 'list',
    data: all.slice(from, from + limit).map(toJson),
    has_more: all.length > from + limit,
    url,
  };
}
