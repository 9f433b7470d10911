import { newId } from '#kernel';
import { PollingLoop } from '#platform/jobs';
import { ApplyEvents, EventFeed, type IntegrationEvent } from '#platform/messaging';
import { connect } from 'amqplib';
import type { EventHandler } from '../../libs/platform/src/messaging/transports/event-transport.js';
import { isAskedFor } from '../support/brokers/asked-for.js';
import type { BrokerServer } from '../support/brokers/broker-server.js';
import { KafkaServer, WITHOUT_KAFKA } from '../support/brokers/kafka-server.js';
import { NatsServer, WITHOUT_NATS } from '../support/brokers/nats-server.js';
import { RabbitmqServer, WITHOUT_RABBITMQ } from '../support/brokers/rabbitmq-server.js';
import { EventCarrier, expectInOrder, newIds, type TransportName } from '../support/event-carrier.js';
import { eventually } from '../support/eventually.js';
import { TestApp } from '../support/test-app.js';

const HAPPENED = 'steelyard.test.happened.v1';
const REPEATED = 'steelyard.test.repeated.v1';
const ELSEWHERE = 'steelyard.other.happened.v1';

/** Groups take time to come together, and whoever failed pauses. */
const ARRIVAL_MS = 60_000;
const RESTART_MS = 120_000;
const GRACE_MS = 5_000;

interface Candidate {
  readonly name: TransportName;
  readonly without?: string | undefined;
  readonly server?: () => BrokerServer;
}

const CANDIDATES: Candidate[] = [
  { name: 'postgres' },
  { name: 'nats', without: WITHOUT_NATS, server: () => new NatsServer() },
  { name: 'rabbitmq', without: WITHOUT_RABBITMQ, server: () => new RabbitmqServer() },
  { name: 'kafka', without: WITHOUT_KAFKA, server: () => new KafkaServer() },
];

const running = CANDIDATES.filter(({ name, without, server }) => !server || isAskedFor(name, without));

/** As long as work takes: without it, all would be over before anything can come between. */
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

let api: TestApp;

beforeAll(async () => {
  api = await TestApp.start();
});

afterAll(() => api.stop());

describe.each(running)('events through $name', ({ name, server }) => {
  const broker = server?.();
  let carrier: EventCarrier;

  beforeAll(async () => {
    await broker?.open();
    carrier = await EventCarrier.open(api, name, broker?.settings);
  }, RESTART_MS);

  afterEach(() => carrier.close(), RESTART_MS);

  afterAll(() => broker?.close());

  const newGroup = (...types: string[]) => ({ name: `test.${newId()}`, types });

  /** Remembers what is handed over. */
  const into =
    (received: IntegrationEvent[]): EventHandler =>
    (events) => {
      received.push(...events);
      return Promise.resolve();
    };

  const arrival = (check: () => void) => eventually(check, ARRIVAL_MS);

  it(
    'arrive as they were, those of an aggregate in their order',
    async () => {
      const received: IntegrationEvent[] = [];
      await carrier.subscribe(newGroup(HAPPENED), into(received));
      const ids = newIds(60);
      await carrier.publish(ids, 1, 20, HAPPENED);
      await arrival(() => expectInOrder(received, ids, 20));
      const [first] = await api.app.get(EventFeed).ofAggregate('test', ids[0]!, 0, 1);
      const { position, ...event } = first!;
      expect(position).toBeGreaterThan(0);
      expect(received.find(({ id }) => id === event.id)).toMatchObject(event);
    },
    RESTART_MS,
  );

  it(
    'arrive from the first subscription on, and go on where they were after a stop',
    async () => {
      const ids = newIds(30);
      const group = newGroup(HAPPENED);
      await carrier.publish(ids, 1, 2, HAPPENED);
      const before: IntegrationEvent[] = [];
      const subscription = await carrier.subscribe(group, into(before));
      await carrier.publish(ids, 3, 5, HAPPENED);
      await arrival(() => expectInOrder(before, ids, 3, 3));
      await subscription.stop(GRACE_MS);
      await carrier.publish(ids, 6, 7, HAPPENED);
      const after: IntegrationEvent[] = [];
      await carrier.subscribe(group, into(after));
      await carrier.publish(ids, 8, 9, HAPPENED);
      await arrival(() => expectInOrder([...before, ...after], ids, 7, 3));
      // What was acknowledged does not come again.
      expectInOrder(after, ids, 4, 6);
      expectInOrder(before, ids, 3, 3);
    },
    RESTART_MS,
  );

  it(
    'are shared by the processes of a consumer, whose coming and going reorders no aggregate',
    async () => {
      const ids = newIds(40);
      const group = newGroup(HAPPENED);
      const received: IntegrationEvent[] = [];
      const publisher = carrier.process();
      const slowly: EventHandler = async (events) => {
        for (const event of events) {
          received.push(event);
          if (received.length % 50 === 0) await pause(5);
        }
      };
      const first = await carrier.subscribe(group, slowly);
      await carrier.publish(ids, 1, 10, HAPPENED, publisher);
      await carrier.subscribe(group, slowly);
      for (let from = 11; from <= 40; from += 5) {
        await carrier.publish(ids, from, from + 4, HAPPENED, publisher);
      }
      await arrival(() => expect(received.length).toBeGreaterThan(800));
      await first.stop(GRACE_MS);
      await carrier.publish(ids, 41, 50, HAPPENED, publisher);
      await arrival(() => expectInOrder(received, ids, 50));
    },
    RESTART_MS,
  );

  it(
    'wait for whoever was registered before they left, though nobody reads for them yet',
    async () => {
      const [ids, newKind] = [newIds(10), `steelyard.kind_${name}.happened.v1`];
      const [some, all] = [newGroup(HAPPENED), { name: `test.${newId()}`, types: 'all' as const }];
      const relay = carrier.relay(carrier.process(), [some, all]);
      await carrier.append(ids, 1, 3, HAPPENED);
      await carrier.append(ids, 1, 3, newKind);
      while ((await relay.relayBatch()) > 0);
      const received: IntegrationEvent[][] = [[], []];
      await carrier.subscribe(some, into(received[0]!));
      // A version that knows the kind comes later than one that hands it over.
      await carrier.subscribe({ ...all, types: [newKind] }, into(received[1]!));
      await arrival(() => {
        for (const events of received) expectInOrder(events, ids, 3);
      });
    },
    RESTART_MS,
  );

  it(
    'are counted while they wait for a group, and not once it has handled them',
    async () => {
      const ids = newIds(10);
      const group = newGroup(HAPPENED);
      const onlooker = carrier.process();
      const received: IntegrationEvent[] = [];
      const waiting = (count: number) =>
        eventually(async () => expect(await onlooker.lag(group)).toBe(count), ARRIVAL_MS);
      const subscription = await carrier.subscribe(group, into(received));
      await carrier.publish(ids, 1, 1, HAPPENED);
      await arrival(() => expectInOrder(received, ids, 1));
      await waiting(0);
      await subscription.stop(GRACE_MS);
      await carrier.publish(ids, 2, 4, HAPPENED);
      await waiting(30);
      await carrier.subscribe(group, into(received));
      await arrival(() => expectInOrder(received, ids, 4));
      await waiting(0);
    },
    RESTART_MS,
  );

  it(
    'reach each consumer that wants their type, and no other',
    async () => {
      const [test, other] = [newIds(5), newIds(5)];
      const [all, some]: IntegrationEvent[][] = [[], []];
      await carrier.subscribe(newGroup(HAPPENED, REPEATED, ELSEWHERE), into(all!));
      await carrier.subscribe(newGroup(REPEATED), into(some!));
      await carrier.publish(test, 1, 2, HAPPENED);
      await carrier.publish(test, 3, 4, REPEATED);
      await carrier.publish(other, 1, 4, ELSEWHERE);
      await carrier.publish(test, 5, 6, REPEATED);
      await arrival(() => {
        expectInOrder(all!, test, 6);
        expectInOrder(all!, other, 4);
        expectInOrder(some!, test, 4, 3);
      });
      expect(new Set(some!.map(({ type }) => type))).toEqual(new Set([REPEATED]));
    },
    RESTART_MS,
  );

  it(
    'come again, the same ones first, when they could not be handled',
    async () => {
      const ids = newIds(10);
      const tries: (readonly IntegrationEvent[])[] = [];
      const received: IntegrationEvent[] = [];
      await carrier.subscribe(newGroup(HAPPENED), (events) => {
        tries.push(events);
        if (tries.length <= 2) return Promise.reject(new Error('not now'));
        received.push(...events);
        return Promise.resolve();
      });
      await carrier.publish(ids, 1, 5, HAPPENED);
      await arrival(() => expectInOrder(received, ids, 5));
      const firstOf = tries.map(([event]) => event?.id);
      expect(firstOf.slice(0, 3)).toEqual([firstOf[0], firstOf[0], firstOf[0]]);
    },
    RESTART_MS,
  );

  // PostgreSQL has what it has.
  if (broker) {
    it(
      'come to whoever was away while the broker lost all that it knew',
      async () => {
        const ids = newIds(10);
        const group = newGroup(HAPPENED);
        const received: IntegrationEvent[] = [];
        const subscription = await carrier.subscribe(group, into(received));
        await carrier.publish(ids, 1, 2, HAPPENED);
        await arrival(() => expectInOrder(received, ids, 2));
        await subscription.stop(GRACE_MS);
        await broker.lose();
        await carrier.append(ids, 3, 6, HAPPENED);
        const relay = carrier.relay(carrier.process(), [group]);
        await eventually(async () => {
          while ((await relay.relayBatch()) > 0);
        }, ARRIVAL_MS);
        await carrier.subscribe(group, into(received));
        await arrival(() => expectInOrder(received, ids, 6));
      },
      RESTART_MS,
    );
  }

  if (name === 'nats') {
    it(
      'come from the oldest one on where the stream is another than the one in which a group has begun',
      async () => {
        const ids = newIds(10);
        const group = newGroup(HAPPENED);
        const received: IntegrationEvent[] = [];
        const subscription = await carrier.subscribe(group, into(received));
        await carrier.publish(ids, 1, 1, HAPPENED);
        await arrival(() => expectInOrder(received, ids, 1));
        await subscription.stop(GRACE_MS);
        await broker!.lose();
        await carrier.append(ids, 2, 3, HAPPENED);
        // A worker of a version that does not know the group makes the stream.
        const relay = carrier.relay(carrier.process());
        await eventually(async () => {
          while ((await relay.relayBatch()) > 0);
        }, ARRIVAL_MS);
        await carrier.subscribe(group, into(received));
        await arrival(() => expectInOrder(received, ids, 3));
      },
      RESTART_MS,
    );
  }

  if (name === 'rabbitmq') {
    it(
      'have not left while no queue takes them that should',
      async () => {
        const type = 'steelyard.test.unrouted.v1';
        const [ids, group] = [newIds(5), newGroup(type)];
        const relay = carrier.relay(carrier.process(), [group]);
        await carrier.append(ids, 1, 1, type);
        while ((await relay.relayBatch()) > 0);
        const connection = await connect(broker!.settings['RABBITMQ_URL']!);
        const channel = await connection.createChannel();
        await channel.deleteQueue(`steelyard.${group.name}`);
        await connection.close();
        await carrier.append(ids, 2, 3, type);
        await expect(relay.relayBatch()).rejects.toThrow(`No queue takes ${type}`);
        while ((await relay.relayBatch()) > 0);
        const received: IntegrationEvent[] = [];
        await carrier.subscribe(group, into(received));
        await arrival(() => expectInOrder(received, ids, 2, 2));
      },
      RESTART_MS,
    );
  }

  it(
    broker
      ? 'are applied exactly once, though the broker is killed in the middle and away for a while'
      : 'are applied exactly once',
    async () => {
      const ids = newIds(100);
      const applied: IntegrationEvent[] = [];
      const group = newGroup(HAPPENED);
      const apply = async (event: IntegrationEvent) => {
        applied.push(event);
        if (applied.length % 20 === 0) await pause(10);
      };
      const consumer = { ...group, apply };
      const applyEvents = api.app.get(ApplyEvents);
      await carrier.subscribe(group, (events) => applyEvents.execute(consumer, events));
      await broker?.settle();
      const publisher = carrier.process();
      await publisher.check();
      await carrier.append(ids, 1, 20, HAPPENED);
      const relay = carrier.relay(publisher);
      const quiet = { error: () => undefined, info: () => undefined, warn: () => undefined };
      const loop = new PollingLoop({ name: 'relay', pollMs: 200, round: () => relay.relayBatch() }, quiet);
      loop.start();
      await arrival(() => expect(applied.length).toBeGreaterThan(0));
      if (broker) {
        expect(applied.length).toBeLessThan(2_000);
        await broker.kill();
        await loop.stop(GRACE_MS);
        await carrier.append(ids, 21, 21, HAPPENED);
        await expect(relay.relayBatch()).rejects.toThrow();
        await expect(publisher.check()).rejects.toThrow();
        await broker.start();
        await eventually(() => publisher.check(), ARRIVAL_MS);
        await eventually(async () => {
          while ((await relay.relayBatch()) > 0);
        }, ARRIVAL_MS);
      } else {
        await carrier.publish(ids, 21, 21, HAPPENED);
      }
      await arrival(() => expectInOrder(applied, ids, 21));
      expect(applied).toHaveLength(2_100);
      await loop.stop(GRACE_MS);
    },
    RESTART_MS,
  );
});
