import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createGatewaySimulator, type GatewaySimulator } from '../../apps/gateway-simulator/src/index.js';

/** Signs the webhooks of simulators that are started here. */
export const WEBHOOK_SECRET = 'whsec_test';

export interface RunningSimulator extends GatewaySimulator {
  readonly url: string;
}

/** A gateway simulator of this process, on a free port. */
export async function startGatewaySimulator(webhookUrl?: string): Promise<RunningSimulator> {
  const gateway = createGatewaySimulator({
    HOST: '127.0.0.1',
    PORT: 0,
    SIM_WEBHOOK_URL: webhookUrl,
    SIM_WEBHOOK_SECRET: WEBHOOK_SECRET,
    SIM_SEED: 1,
  });
  return { ...gateway, url: await gateway.listen() };
}

/** A webhook as it arrived. */
export interface ReceivedWebhook {
  readonly body: string;
  readonly signature: string;
  readonly receivedAt: number;
}

export interface WebhookReceiver {
  readonly url: string;
  readonly received: ReceivedWebhook[];
  /** HTTP status of the next answers; 200 when there are none left. */
  readonly statuses: number[];
  readonly close: () => Promise<void>;
}

/** Takes webhooks, on a free port. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  const statuses: number[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const signature = request.headers['stripe-signature'];
      received.push({
        body: Buffer.concat(chunks).toString(),
        signature: typeof signature === 'string' ? signature : '',
        receivedAt: performance.now(),
      });
      response.writeHead(statuses.shift() ?? 200).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    received,
    statuses,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
