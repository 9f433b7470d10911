import { spawnSync } from 'node:child_process';
import { freePort } from '../spawn-app.js';
import { BrokerServer, type Program } from './broker-server.js';

/** Why no NATS can be started here; undefined where one can. */
export const WITHOUT_NATS =
  spawnSync('nats-server', ['--version']).status === 0 ? undefined : 'there is no nats-server';

/** NATS with JetStream, one server. */
export class NatsServer extends BrokerServer {
  protected port = 0;

  get settings() {
    return { NATS_URL: `nats://127.0.0.1:${this.port}` };
  }

  protected async prepare(): Promise<void> {
    this.port ||= await freePort();
  }

  protected programs(): Program[] {
    const address = ['--addr', '127.0.0.1', '--port', String(this.port)];
    return [{ command: 'nats-server', args: [...address, '--jetstream', '--store_dir', this.directory] }];
  }
}
