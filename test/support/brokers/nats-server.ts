import { spawnSync } from 'node:child_process';
import { freePort } from '../free-port.js';
import { BrokerServer, type Program } from './broker-server.js';

/** Why no NATS can be started here; undefined where one can. */
export const WITHOUT_NATS =
  spawnSync('nats-server', ['--version']).status === 0 ? undefined : 'there is no nats-server';

/** NATS, one server, with JetStream unless it is told to do without. */
export class NatsServer extends BrokerServer {
  protected port = 0;
  private monitorPort = 0;

  constructor(private readonly options: { readonly jetstream: boolean } = { jetstream: true }) {
    super();
  }

  get settings() {
    return { NATS_URL: `nats://127.0.0.1:${this.port}` };
  }

  /** How many clients are connected. */
  async connections(): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.monitorPort}/connz`);
    return ((await response.json()) as { num_connections: number }).num_connections;
  }

  protected async prepare(): Promise<void> {
    this.port ||= await freePort();
    this.monitorPort ||= await freePort();
  }

  protected programs(): Program[] {
    const address = ['--addr', '127.0.0.1', '--port', String(this.port)];
    const monitor = ['--http_port', String(this.monitorPort)];
    const store = this.options.jetstream ? ['--jetstream', '--store_dir', this.directory] : [];
    return [{ command: 'nats-server', args: [...address, ...monitor, ...store] }];
  }
}
