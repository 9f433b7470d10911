import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { fastify, type FastifyInstance } from 'fastify';
import { GatewayRefusal, invalidRequest, PaymentSimulator } from '#simulated-gateway';
import { registerControlRoutes } from './http/control-routes.js';
import { parseForm } from './http/form.js';
import { registerGatewayRoutes } from './http/gateway-routes.js';
import { API_VERSION, errorJson } from './http/wire.js';
import type { SimulatorSettings } from './settings.js';
import { Settlement } from './settlement.js';
import { WebhookSender } from './webhooks/webhook-sender.js';

/** A payment gateway that listens. */
export interface GatewaySimulator {
  /** What it does and has done; the same that the endpoints under `/_sim/` show. */
  readonly simulator: PaymentSimulator;
  /** Starts to listen and returns the URL. */
  listen: () => Promise<string>;
  /** Whether no webhook is under way and no refund waits for the bank: nothing happens any more by itself. */
  isQuiet: () => boolean;
  /** Ends every connection and every webhook under way. */
  close: () => Promise<void>;
}

/** A payment gateway that speaks Stripe's wire format, keeps books, and misbehaves when told to. */
export function createGatewaySimulator(settings: SimulatorSettings): GatewaySimulator {
  const { HOST, PORT, SIM_SEED, SIM_WEBHOOK_SECRET: secret, SIM_WEBHOOK_URL: url } = settings;
  const simulator = new PaymentSimulator({ seed: SIM_SEED });
  const webhooks = new WebhookSender(url === undefined ? undefined : { url, secret });
  const server = createServer();
  const settlement = new Settlement(simulator, webhooks);
  registerGatewayRoutes(server, { simulator, webhooks, settlement });
  registerControlRoutes(server, simulator, webhooks);
  return {
    simulator,
    listen: async () => {
      await server.listen({ host: HOST, port: PORT });
      const { address, port, family } = server.server.address() as AddressInfo;
      return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
    },
    isQuiet: () => webhooks.isQuiet && simulator.nextSettlementAt === undefined,
    close: async () => {
      settlement.stop();
      webhooks.stop();
      await server.close();
    },
  };
}

/** A server that reads forms, and answers what goes wrong as Stripe does. */
function createServer(): FastifyInstance {
  const server = fastify({ forceCloseConnections: true, routerOptions: { querystringParser: parseForm } });
  server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_, body, done) => {
    done(null, body);
  });
  server.addHook('onRequest', async (_, http) => {
    http.header('request-id', `req_${randomUUID().replaceAll('-', '')}`);
    http.header('stripe-version', API_VERSION);
  });
  server.setErrorHandler((error, _, http) => {
    const refusal = asRefusal(error);
    return http.status(refusal.details.status).send(errorJson(refusal));
  });
  server.setNotFoundHandler((request, http) =>
    http
      .status(404)
      .send(errorJson(invalidRequest(`Unrecognized request URL (${request.method}: ${request.url}).`))),
  );
  return server;
}

/** What a request is told that was refused before it reached the gateway; a defect of ours is told on the terminal. */
function asRefusal(error: unknown): GatewayRefusal {
  if (error instanceof GatewayRefusal) return error;
  const { statusCode = 500, message } = error as { statusCode?: number; message: string };
  if (statusCode < 500) return invalidRequest(message);
  console.error(error);
  return new GatewayRefusal({ status: 500, type: 'api_error', message: 'The simulator has a defect.' });
}
