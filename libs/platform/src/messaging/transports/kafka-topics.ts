import {
  type Admin,
  findErrorBy,
  type ListedOffsetsPartition,
  ListOffsetTimestamps,
} from '@platformatic/kafka';
import type { Settings } from '../../config/index.js';

const DAY_MS = 86_400_000;
/** As many replicas as the brokers make by themselves. */
const DEFAULT_REPLICAS = -1;
const NEVER_COMMITTED = -1n;

/** The topic of a type: one for each kind of aggregate, such as `steelyard.order`. */
export function topicOf(type: string): string {
  return type.split('.').slice(0, 2).join('.');
}

/** Where a group begins cannot be changed while it has members: those of an older version, which wants less. */
export class GroupHasMembersError extends Error {
  constructor(groupId: string, topic: string, cause: unknown) {
    super(`The group ${groupId} has members, and cannot begin with ${topic} before they have left.`, {
      cause,
    });
  }
}

/** The topics in Kafka: those that are not there are made, and those that are stay as they are. */
export class KafkaTopics {
  private readonly known = new Set<string>();

  constructor(
    private readonly admin: Admin,
    private readonly settings: Settings,
  ) {}

  async ensure(topics: readonly string[]): Promise<void> {
    const unknown = new Set(topics.filter((topic) => !this.known.has(topic)));
    if (unknown.size === 0) return;
    const existing = new Set(await this.admin.listTopics());
    for (const topic of unknown) {
      if (!existing.has(topic)) await this.create(topic);
      this.known.add(topic);
    }
  }

  /** Has them looked for anew, since somebody may have deleted them. */
  forget(): void {
    this.known.clear();
  }

  /**
   * Has a group begin behind the newest event of a topic, which is made where there is none. In partitions that are
   * empty it begins with their first event by itself.
   *
   * @throws GroupHasMembersError
   */
  async startAtEnd(groupId: string, name: string): Promise<void> {
    await this.ensure([name]);
    const partitionOffsets = (await this.ends(name))
      .filter(({ offset }) => offset > 0n)
      .map(({ partitionIndex, offset }) => ({ partition: partitionIndex, offset }));
    if (partitionOffsets.length === 0) return;
    try {
      await this.admin.alterConsumerGroupOffsets({ groupId, topics: [{ name, partitionOffsets }] });
    } catch (error) {
      if (!findErrorBy(error as Error, 'apiId', 'UNKNOWN_MEMBER_ID')) throw error;
      throw new GroupHasMembersError(groupId, name, error);
    }
  }

  /** How many messages of these topics a group has not committed; of a partition where it never did, none counts. */
  async lag(groupId: string, names: readonly string[]): Promise<number> {
    const topics = await Promise.all(names.map(async (name) => ({ name, ends: await this.ends(name) })));
    const [group] = await this.admin.listConsumerGroupOffsets({
      groups: [
        {
          groupId,
          topics: topics.map(({ name, ends }) => ({
            name,
            partitionIndexes: ends.map(({ partitionIndex }) => partitionIndex),
          })),
        },
      ],
    });
    const committed = new Map(
      group?.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, committedOffset }) => [
          `${name}/${partitionIndex}`,
          committedOffset,
        ]),
      ),
    );
    return topics
      .flatMap(({ name, ends }) =>
        ends.map(({ partitionIndex, offset }) => {
          const from = committed.get(`${name}/${partitionIndex}`) ?? NEVER_COMMITTED;
          return from > NEVER_COMMITTED ? Number(offset - from) : 0;
        }),
      )
      .reduce((sum, lag) => sum + lag, 0);
  }

  /** Where the next message of each partition of a topic would be. */
  private async ends(name: string): Promise<ListedOffsetsPartition[]> {
    const { topics } = await this.admin.metadata({ topics: [name], forceUpdate: true });
    const count = topics.get(name)?.partitionsCount ?? 0;
    const partitions = Array.from({ length: count }, (_, partitionIndex) => ({
      partitionIndex,
      timestamp: ListOffsetTimestamps.LATEST,
    }));
    const [ends] = await this.admin.listOffsets({ topics: [{ name, partitions }] });
    return ends?.partitions ?? [];
  }

  private async create(topic: string): Promise<void> {
    try {
      await this.admin.createTopics({
        topics: [topic],
        partitions: this.settings.KAFKA_TOPIC_PARTITIONS,
        replicas: DEFAULT_REPLICAS,
        configs: [{ name: 'retention.ms', value: String(this.settings.EVENTS_RETENTION_DAYS * DAY_MS) }],
      });
    } catch (error) {
      // Another process was faster.
      if (!(await this.admin.listTopics()).includes(topic)) throw error;
    }
  }
}
