import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Lifecycle } from '#platform/lifecycle';
import { ManagementServer } from '#platform/management';
import { TestApp } from '../support/test-app.js';

/** Who probes takes longer silence for a process that is not ready: `timeoutSeconds` of the chart. */
const PROBE_TIMEOUT_MS = 3_000;
/** Closing waits for a connection that is being opened. */
const STOP_MS = 20_000;

/** Takes connections and says nothing, as a broker that hangs or is cut off from its peers. */
async function startSilentServer() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined).resume()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, sockets, close };
}

it.each<[string, (address: string) => Record<string, string>]>([
  ['nats', (address) => ({ NATS_URL: `nats://${address}` })],
  ['rabbitmq', (address) => ({ RABBITMQ_URL: `amqp://guest:guest@${address}` })],
  ['kafka', (address) => ({ KAFKA_BROKERS: address })],
])(
  'a process whose broker (%s) takes connections and says nothing is ready, degraded, in time for a probe',
  async (name, settings) => {
    const broker = await startSilentServer();
    const app = await TestApp.start({ EVENTS_TRANSPORT: name, ...settings(broker.address) });
    const management = app.app.get(ManagementServer, { strict: false });
    try {
      app.app.get(Lifecycle).markStarted();
      const port = await management.listen();
      // Each probe, not only the one that finds no connection under way.
      for (let probe = 0; probe < 3; probe += 1) {
        const response = await fetch(`http://127.0.0.1:${port}/readyz`, {
          signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
        });
        expect(response.status).toBe(200);
        expect(await response.json()).toMatchObject({
          details: { transport: { status: 'up', name, degraded: true } },
        });
      }
      expect(broker.sockets.size).toBeGreaterThan(0);
    } finally {
      await management.close();
      await app.stop();
      await broker.close();
    }
  },
  STOP_MS,
);
