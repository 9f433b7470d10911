import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'amqplib';
import { freePort } from '../spawn-app.js';
import { BrokerServer, type Program } from './broker-server.js';

/** The program itself: the one on the PATH changes to a user who may not write into a test's directory. */
const COMMAND = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** Why no RabbitMQ can be started here; undefined where one can. */
export const WITHOUT_RABBITMQ = existsSync(COMMAND) ? undefined : `there is no ${COMMAND}`;

/**
 * RabbitMQ writes down at its leisure that a node has a member of a new quorum queue, and tells nobody when it has. A
 * node that is killed before finds the queue again and no leader for it, for ever.
 */
const MEMBERSHIP_WRITTEN_MS = 5_000;

/** RabbitMQ, one node, with a port mapper of its own: a shared one would be left behind. */
export class RabbitmqServer extends BrokerServer {
  protected port = 0;
  private distributionPort = 0;
  private mapperPort = 0;

  get settings() {
    return { RABBITMQ_URL: `amqp://guest:guest@127.0.0.1:${this.port}` };
  }

  protected async prepare(): Promise<void> {
    this.port = await freePort();
    this.distributionPort = await freePort();
    this.mapperPort = await freePort();
    const settings = [
      `listeners.tcp.default = 127.0.0.1:${this.port}`,
      'disk_free_limit.absolute = 50MB',
      'log.file.level = warning',
    ];
    await writeFile(join(this.directory, 'rabbitmq.conf'), `${settings.join('\n')}\n`);
    await writeFile(join(this.directory, 'enabled_plugins'), '[].\n');
  }

  protected programs(): Program[] {
    const mapper = { ERL_EPMD_PORT: String(this.mapperPort), ERL_EPMD_ADDRESS: '127.0.0.1' };
    const at = (name: string) => join(this.directory, name);
    return [
      { command: 'epmd', args: [], env: mapper },
      {
        command: COMMAND,
        args: [],
        env: {
          ...mapper,
          // It runs in the foreground, and is no child of a script that would outlive it.
          RUNNING_UNDER_SYSTEMD: 'true',
          RABBITMQ_NODENAME: `steelyard-${this.port}@localhost`,
          RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
          RABBITMQ_DIST_PORT: String(this.distributionPort),
          RABBITMQ_CONF_ENV_FILE: at('rabbitmq-env.conf'),
          RABBITMQ_CONFIG_FILE: at('rabbitmq.conf'),
          RABBITMQ_ENABLED_PLUGINS_FILE: at('enabled_plugins'),
          RABBITMQ_MNESIA_BASE: at('data'),
          RABBITMQ_LOG_BASE: at('logs'),
          RABBITMQ_PID_FILE: at('pid'),
          RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
        },
      },
    ];
  }

  override settle(): Promise<void> {
    return delay(MEMBERSHIP_WRITTEN_MS);
  }

  /** It takes connections before it lets anybody in. */
  protected override async ready(): Promise<void> {
    const connection = await connect(this.settings.RABBITMQ_URL, { timeout: 2_000 });
    await connection.close();
  }
}
