import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from 'amqplib';
import { freePort } from '../free-port.js';
import { BrokerServer, type Program } from './broker-server.js';

/** The program itself: the one on the PATH changes to a user who may not write into a test's directory. */
const PROGRAMS = '/usr/lib/rabbitmq/bin';
const COMMAND = `${PROGRAMS}/rabbitmq-server`;

/** Why no RabbitMQ can be started here; undefined where one can. */
export const WITHOUT_RABBITMQ = existsSync(COMMAND) ? undefined : `there is no ${COMMAND}`;

/**
 * RabbitMQ writes down at its leisure, and tells nobody when it has, that there is a queue (Mnesia's log) and that a node
 * has a member of it (a table of Ra). A node that is killed before finds no queue, or one without a leader, for ever.
 */
const WRITE_DOWN = '[ok = dets:sync(Table) || Table <- dets:all()], mnesia:sync_log().';
const CONTROL_TIMEOUT_MS = 60_000;

const execute = promisify(execFile);

/** RabbitMQ, one node, with a port mapper of its own: a shared one would be left behind. */
export class RabbitmqServer extends BrokerServer {
  protected port = 0;
  private distributionPort = 0;
  private mapperPort = 0;

  get settings() {
    return { RABBITMQ_URL: `amqp://guest:guest@127.0.0.1:${this.port}` };
  }

  protected async prepare(): Promise<void> {
    this.port ||= await freePort();
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
    return [
      { command: 'epmd', args: [], env: this.environment },
      {
        command: COMMAND,
        args: [],
        // It runs in the foreground, and is no child of a script that would outlive it.
        env: { ...this.environment, RUNNING_UNDER_SYSTEMD: 'true' },
      },
    ];
  }

  /** The answer to a `list_…` of rabbitmqctl: a row for each of what it lists, by these columns. */
  async list(what: string, ...columns: string[]): Promise<Record<string, unknown>[]> {
    return JSON.parse(await this.control(what, '--formatter', 'json', '--silent', ...columns)) as Record<
      string,
      unknown
    >[];
  }

  override async settle(): Promise<void> {
    const answer = await this.control('eval', WRITE_DOWN);
    if (answer.trim() !== 'ok') throw new Error(`RabbitMQ has not written down what it has: ${answer}`);
  }

  /** It takes connections before it lets anybody in. */
  protected override async ready(): Promise<void> {
    const connection = await connect(this.settings.RABBITMQ_URL, { timeout: 2_000 });
    await connection.close();
  }

  private async control(...args: string[]): Promise<string> {
    const { stdout } = await execute(`${PROGRAMS}/rabbitmqctl`, args, {
      env: { PATH: process.env['PATH'], HOME: this.directory, ...this.environment },
      timeout: CONTROL_TIMEOUT_MS,
    });
    return stdout;
  }

  private get environment(): Record<string, string> {
    const at = (name: string) => join(this.directory, name);
    return {
      ERL_EPMD_PORT: String(this.mapperPort),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: `steelyard-${this.port}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_DIST_PORT: String(this.distributionPort),
      RABBITMQ_CONF_ENV_FILE: at('rabbitmq-env.conf'),
      RABBITMQ_CONFIG_FILE: at('rabbitmq.conf'),
      RABBITMQ_ENABLED_PLUGINS_FILE: at('enabled_plugins'),
      RABBITMQ_MNESIA_BASE: at('data'),
      RABBITMQ_LOG_BASE: at('logs'),
      RABBITMQ_PID_FILE: at('pid'),
      // Its programs would leave one behind where the tests were started.
      ERL_CRASH_DUMP: at('erl_crash.dump'),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    };
  }
}
