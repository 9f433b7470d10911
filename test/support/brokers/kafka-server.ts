import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Admin } from '@platformatic/kafka';
import { freePort } from '../free-port.js';
import { BrokerServer, type Program } from './broker-server.js';

const TOOLS = process.env['STEELYARD_TOOLS_DIR'] ?? join(homedir(), '.cache', 'steelyard-tools');
const JARS = join(TOOLS, 'kafka');
const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qk';

/** Why no Kafka can be started here; undefined where one can. */
export const WITHOUT_KAFKA = reason();

function reason(): string | undefined {
  if (!existsSync(JARS)) return `there are no jars of Kafka in ${JARS}; scripts/install-tools.sh brings them`;
  return spawnSync('java', ['-version']).status === 0 ? undefined : 'there is no Java';
}

/** Kafka in KRaft mode: one process that is broker and controller. */
export class KafkaServer extends BrokerServer {
  protected port = 0;

  get settings() {
    return { KAFKA_BROKERS: `127.0.0.1:${this.port}`, KAFKA_TOPIC_PARTITIONS: '4' };
  }

  protected async prepare(): Promise<void> {
    this.port ||= await freePort();
    const controllerPort = await freePort();
    const settings = {
      'process.roles': 'broker,controller',
      'node.id': 1,
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      'controller.listener.names': 'CONTROLLER',
      listeners: `PLAINTEXT://127.0.0.1:${this.port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${this.port}`,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'log.dirs': join(this.directory, 'data'),
      'offsets.topic.replication.factor': 1,
      'offsets.topic.num.partitions': 1,
      'transaction.state.log.replication.factor': 1,
      'transaction.state.log.min.isr': 1,
      'share.coordinator.state.topic.replication.factor': 1,
      'share.coordinator.state.topic.min.isr': 1,
      'auto.create.topics.enable': false,
      'group.initial.rebalance.delay.ms': 0,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    await writeFile(this.settingsFile, `${lines.join('\n')}\n`);
    const format = this.run(
      this.java('kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', this.settingsFile),
    );
    const [code] = (await once(format, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`Kafka cannot format its storage: it ended with ${code}.`);
  }

  protected programs(): Program[] {
    return [this.java('kafka.Kafka', this.settingsFile)];
  }

  /** It takes connections before it knows who leads. */
  protected override async ready(): Promise<void> {
    await this.answers();
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [`127.0.0.1:${this.port}`], retries: 0 });
    try {
      await admin.listTopics();
    } finally {
      await admin.close();
    }
  }

  private get settingsFile(): string {
    return join(this.directory, 'server.properties');
  }

  private java(main: string, ...args: string[]): Program {
    const memory = ['-Xms128m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
    return { command: 'java', args: [...memory, '-cp', join(JARS, '*'), main, ...args] };
  }
}
