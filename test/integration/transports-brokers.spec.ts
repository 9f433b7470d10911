import { newId } from '#kernel';
import type { IntegrationEvent } from '#platform/messaging';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect as connectToNats } from '@nats-io/transport-node';
import { type Channel, connect } from 'amqplib';
import type { EventTransport } from '../../libs/platform/src/messaging/transports/event-transport.js';
import { isAskedFor } from '../support/brokers/asked-for.js';
import { KafkaServer, WITHOUT_KAFKA } from '../support/brokers/kafka-server.js';
import { NatsServer, WITHOUT_NATS } from '../support/brokers/nats-server.js';
import { RabbitmqServer, WITHOUT_RABBITMQ } from '../support/brokers/rabbitmq-server.js';
import { anEvent, EventCarrier, newIds } from '../support/event-carrier.js';
import { eventually } from '../support/eventually.js';
import { TestApp } from '../support/test-app.js';

const HAPPENED = 'steelyard.test.happened.v1';
const TRIES = 10;
const START_MS = 120_000;
/** Asking RabbitMQ takes seconds. */
const CLOSED_MS = 30_000;
/** Long enough for events to arrive, not for a group to come together: then more events follow. */
const ROUND_MS = 2_000;
const ARRIVAL_MS = 60_000;
const EXCHANGE = 'steelyard.events';

let api: TestApp;
let carrier: EventCarrier | undefined;

beforeAll(async () => {
  api = await TestApp.start();
});

afterEach(async () => {
  await carrier?.close();
  carrier = undefined;
});

afterAll(() => api.stop());

const newGroup = () => ({ name: `test.${newId()}`, types: [HAPPENED] });

// Without a broker there is one test left, which a file must have.
it('PostgreSQL takes events without a connection of its own', async () => {
  carrier = await EventCarrier.open(api, 'postgres');
  await carrier.process().check();
});

async function failOften(attempt: () => Promise<void>): Promise<void> {
  for (let count = 0; count < TRIES; count += 1) await expect(attempt()).rejects.toThrow();
}

if (isAskedFor('nats', WITHOUT_NATS)) {
  describe('NATS', () => {
    const broker = new NatsServer();
    beforeAll(() => broker.open(), START_MS);
    afterAll(() => broker.close());

    it('keeps an event once that is handed over twice, by this process or by another', async () => {
      carrier = await EventCarrier.open(api, 'nats', broker.settings);
      const events = Array.from({ length: 20 }, () => anEvent(HAPPENED));
      const [first, second] = [carrier.process(), carrier.process()];
      for (const process of [first, first, second]) await process.publish(events);
      const connection = await connectToNats({ servers: new URL(broker.settings.NATS_URL).host });
      const { state } = await (await jetstreamManager(connection)).streams.info('STEELYARD');
      await connection.close();
      expect(state.messages).toBe(events.length);
    });
  });

  describe('NATS without JetStream', () => {
    const broker = new NatsServer({ jetstream: false });
    beforeAll(() => broker.open(), START_MS);
    afterAll(() => broker.close());

    it.each<[string, (transport: EventTransport) => Promise<void>]>([
      ['looked at', (transport) => transport.check()],
      ['published to', (transport) => transport.publish([anEvent(HAPPENED)])],
      ['asked for a group', (transport) => transport.register([newGroup()])],
    ])('holds no connection after it was %s in vain', async (_, attempt) => {
      carrier = await EventCarrier.open(api, 'nats', broker.settings);
      const transport = carrier.process();
      await failOften(() => attempt(transport));
      await eventually(async () => expect(await broker.connections()).toBe(0));
    });
  });
}

if (isAskedFor('rabbitmq', WITHOUT_RABBITMQ)) {
  describe('RabbitMQ', () => {
    const broker = new RabbitmqServer();
    beforeAll(() => broker.open(), START_MS);
    afterAll(() => broker.close());

    const connections = async () => (await broker.list('list_connections', 'pid')).length;
    const noConnection = () => eventually(async () => expect(await connections()).toBe(0), CLOSED_MS);

    /** Does something to the broker that Steelyard knows nothing of. */
    async function meddle(act: (channel: Channel) => Promise<unknown>): Promise<void> {
      const connection = await connect(broker.settings.RABBITMQ_URL);
      await act(await connection.createChannel());
      await connection.close();
    }

    it(
      'keeps the events of a consumer in a durable quorum queue, hands them to one process, and not too many at once',
      async () => {
        carrier = await EventCarrier.open(api, 'rabbitmq', broker.settings);
        const group = newGroup();
        await carrier.subscribe(group, () => Promise.resolve());
        const name = `steelyard.${group.name}`;
        const queues = await broker.list('list_queues', 'name', 'type', 'durable', 'arguments');
        const queue = queues.find((row) => row['name'] === name);
        expect(queue).toMatchObject({ durable: true });
        expect(String(queue?.['type'])).toContain('quorum');
        expect(JSON.stringify(queue?.['arguments'])).toMatch(/"x-single-active-consumer".*true/);
        const consumers = await broker.list('list_consumers', 'queue_name', 'ack_required', 'prefetch_count');
        expect(consumers.filter((row) => row['queue_name'] === name)).toEqual([
          { queue_name: name, ack_required: true, prefetch_count: 1_000 },
        ]);
      },
      START_MS,
    );

    it(
      'holds no connection whose channel it has ended',
      async () => {
        carrier = await EventCarrier.open(api, 'rabbitmq', broker.settings);
        const transport = carrier.process();
        await failOften(async () => {
          await transport.check();
          await meddle((channel) => channel.deleteExchange(EXCHANGE));
          await transport.publish([anEvent(HAPPENED)]);
        });
        await noConnection();
      },
      START_MS,
    );

    it(
      'holds no connection after it was looked at in vain, its exchange being one that somebody made otherwise',
      async () => {
        await meddle((channel) => channel.deleteExchange(EXCHANGE));
        await meddle((channel) => channel.assertExchange(EXCHANGE, 'fanout'));
        carrier = await EventCarrier.open(api, 'rabbitmq', broker.settings);
        const transport = carrier.process();
        await failOften(() => transport.check());
        await noConnection();
      },
      START_MS,
    );
  });
}

if (isAskedFor('kafka', WITHOUT_KAFKA)) {
  describe('Kafka', () => {
    const broker = new KafkaServer();
    beforeAll(() => broker.open(), START_MS);
    afterAll(() => broker.close());

    it(
      'hands events of the same time to both processes of a consumer',
      async () => {
        carrier = await EventCarrier.open(api, 'kafka', broker.settings);
        const [group, ids, publisher] = [newGroup(), newIds(40), carrier.process()];
        const received: IntegrationEvent[][] = [[], []];
        for (const own of received) {
          await carrier.subscribe(group, (events) => {
            own.push(...events);
            return Promise.resolve();
          });
        }
        let round = 0;
        await eventually(async () => {
          round += 1;
          await carrier!.publish(ids, round, round, HAPPENED, publisher);
          await eventually(() => {
            for (const own of received) expect(own.map(({ sequence }) => sequence)).toContain(round);
          }, ROUND_MS);
        }, ARRIVAL_MS);
      },
      START_MS,
    );
  });
}
