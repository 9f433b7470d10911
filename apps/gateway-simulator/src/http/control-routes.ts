import type { FastifyInstance } from 'fastify';
import type { PaymentSimulator } from '#simulated-gateway';
import { scriptSchema, understand } from './parameters.js';

/** What tests and people steer the simulator with, and look into it. No key is asked for. */
export function registerControlRoutes(server: FastifyInstance, simulator: PaymentSimulator): void {
  server.get('/_sim/effects', () => ({
    data: simulator.effects.map((effect) => ({ ...effect, at: new Date(effect.at).toISOString() })),
    totals: simulator.totals,
  }));
  server.post('/_sim/script', async (request, http) => {
    simulator.follow(understand(scriptSchema, request.body));
    return http.status(204).send();
  });
  server.post('/_sim/reset', async (_, http) => {
    simulator.reset();
    return http.status(204).send();
  });
}
