import type { AddressInfo } from 'node:net';
import { HttpException, Injectable } from '@nestjs/common';
import { fastify, type FastifyInstance } from 'fastify';
import { register } from 'prom-client';
import { Config } from '../config/index.js';
import { HealthChecks } from '../health/index.js';
import { PROBES } from '../http/index.js';
import { Metrics } from '../telemetry/index.js';

/**
 * What operators ask and customers must not reach: metrics, and health for processes without a main port. Listens on
 * a port of its own.
 */
@Injectable()
export class ManagementServer {
  private server: FastifyInstance | undefined;

  constructor(
    private readonly config: Config,
    private readonly checks: HealthChecks,
    private readonly metrics: Metrics,
  ) {}

  /** Starts to listen and returns the port. */
  async listen(): Promise<number> {
    const { HOST, MANAGEMENT_PORT, METRICS_ENABLED } = this.config.settings;
    const server = fastify({ forceCloseConnections: true });
    server.get(PROBES.alive, () => ({ status: 'ok' }));
    server.get(PROBES.startup, () => this.checks.startup());
    server.get(PROBES.readiness, () => this.checks.readiness());
    if (METRICS_ENABLED) {
      server.get('/metrics', async (_, reply) => {
        this.metrics.samplePool();
        return reply.type(register.contentType).send(await register.metrics());
      });
    }
    server.setErrorHandler((error, _, reply) => {
      const status = error instanceof HttpException ? error.getStatus() : 500;
      return reply
        .status(status)
        .send(error instanceof HttpException ? error.getResponse() : { status: 'error' });
    });
    await server.listen({ host: HOST, port: MANAGEMENT_PORT });
    this.server = server;
    return (server.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    await this.server?.close();
  }
}
