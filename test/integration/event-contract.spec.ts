import asyncApiSpecs from '@asyncapi/specs';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import {
  breakingEventChanges,
  type CloudEvent,
  describeEvents,
  type EventContract,
  toCloudEvent,
} from '#platform/messaging';
import { placeOneOfEach } from '../support/one-of-each.js';
import { Shop } from '../support/shop.js';

const { default: addFormats } = ajvFormats;

let shop: Shop;
let contract: EventContract;

beforeAll(async () => {
  shop = await Shop.open();
  contract = describeEvents('1.2.3');
});

afterAll(() => shop.close());

it('is a document of AsyncAPI 3', () => {
  // The specification brings the meta-schema along.
  const ajv = new Ajv({ strict: false, meta: false, validateSchema: false });
  addFormats(ajv);
  const isValid = ajv.compile(asyncApiSpecs.schemas['3.0.0']);
  expect([isValid(contract), isValid.errors]).toEqual([true, null]);
});

it('describes what is told to one endpoint alone, and by no transport', () => {
  const messages = { 'steelyard.webhook_ping.sent.v1': { contentType: 'application/json' } };
  expect(contract).toMatchObject({
    channels: {
      webhook_ping: { address: null, messages },
      order: {
        messages: { 'steelyard.order.placed.v1': { contentType: 'application/cloudevents+json' } },
      },
    },
    components: { schemas: { 'steelyard.webhook_ping.sent.v1': { required: ['endpointId'] } } },
  });
});

it('describes every event that a shop publishes, and says no more than is true', async () => {
  await placeOneOfEach(shop);
  await shop.newCustomer();
  const { rows } = await shop.sql.query<{ type: string; data: object }>(
    'SELECT type, data FROM platform.outbox',
  );
  const ajv = new Ajv2020({ strict: false });
  addFormats(ajv);
  const wrong = rows.flatMap(({ type, data }) => {
    const schema = contract.components.schemas[type];
    if (!schema) return [`${type} is not described`];
    return ajv.validate(schema, data) ? [] : [`${type}: ${ajv.errorsText()}`];
  });
  expect(wrong).toEqual([]);
  expect(new Set(rows.map(({ type }) => type)).size).toBeGreaterThan(15);
});

it('describes each event whole, envelope and data, as the feed gives it and as transports and webhooks carry it', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const { id } = await shop.placed({}, { headers: { traceparent } });
  await shop.cancel(id as string);
  await shop.relayEvents();
  const { status, body } = await shop.get('/api/v1/events?limit=100', { as: shop.staff });
  expect(status).toBe(200);
  const given = body.data as Pick<CloudEvent, 'type' | 'partitionkey'>[];
  expect(given.length).toBeGreaterThan(2);
  // What the feed gives was written by this very schema; what the others carry was not.
  const carried = (await shop.eventsOf('order', id as string)).map(toCloudEvent);
  expect(carried[0]).toMatchObject({ traceparent });
  const ajv = new Ajv2020({ strict: false });
  addFormats(ajv);
  ajv.addSchema({ ...contract, $id: 'asyncapi' });
  /** What is wrong with an event by the message of its type, in the channel of its aggregate. */
  const wrongOf = (event: Pick<CloudEvent, 'type' | 'partitionkey'>) => {
    const [aggregate = ''] = event.partitionkey.split('/');
    const schema = { $ref: `asyncapi#/channels/${aggregate}/messages/${event.type}/payload` };
    return ajv.validate(schema, event) ? [] : [`${event.type}: ${ajv.errorsText()}`];
  };
  expect([...given, ...carried].flatMap(wrongOf)).toEqual([]);
  // Nor does it let anything pass.
  const [event] = carried;
  const bad = [{ specversion: '2.0' }, { sequence: 1 }, { time: 'today' }, { data: {} }];
  expect(bad.filter((part) => wrongOf({ ...event!, ...part }).length === 0)).toEqual([]);
});

it('may lose no type of event, and may gain some', () => {
  const [first, ...others] = Object.entries(contract.components.schemas);
  const smaller = { ...contract, components: { schemas: Object.fromEntries(others) } };
  expect(breakingEventChanges(contract, smaller)).toEqual([`${first![0]} is gone`]);
  expect(breakingEventChanges(smaller, contract)).toEqual([]);
});

it('may lose no channel, and may move none', () => {
  const { order, ...others } = contract.channels;
  const moved = { ...contract, channels: { ...others, order: { ...order!, address: 'orders' } } };
  expect(breakingEventChanges(contract, moved)).toEqual([
    'The channel order is no longer at steelyard.order',
  ]);
  expect(breakingEventChanges(contract, { ...contract, channels: others })).toEqual([
    'The channel order is gone',
  ]);
  expect(breakingEventChanges({ ...contract, channels: others }, contract)).toEqual([]);
});
