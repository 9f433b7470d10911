import { toJsonSchema } from '../../http/index.js';
import { cloudEventView } from '../cloud-event.schema.js';
import { directEvents, type EventDefinition, registeredEvents } from '../event.js';
import { breakingChanges, type JsonSchema } from './breaking-changes.js';
import { eventSchemaOf } from './event-schema.js';

/** Of what transports carry. */
const PUBLISHED_TYPE = 'application/cloudevents+json';
/** Of what is posted to webhook endpoints: receivers have it parsed by whatever parses JSON. */
const POSTED_TYPE = 'application/json';

interface Channel {
  /** Null where it differs from one receiver to the next. */
  readonly address: string | null;
  readonly description: string;
  readonly messages: object;
}

/** A document of AsyncAPI 3; the data of each type of event is the schema of that name. */
export interface EventContract {
  readonly channels: Readonly<Record<string, Channel>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
  readonly [section: string]: unknown;
}

const PUBLISHED =
  'In Kafka a topic of this name, keyed by the id of the aggregate; in NATS subjects, and in RabbitMQ routing keys ' +
  'of the exchange `steelyard.events`, which are the types of the events.';
const DIRECT =
  'Posted to one webhook endpoint alone. No transport carries it, and nobody can subscribe to it.';

/**
 * The contract of the events that the loaded modules publish, or tell to one receiver, as AsyncAPI 3. A channel is a
 * kind of aggregate.
 *
 * @param version of Steelyard
 */
export function describeEvents(version: string): EventContract {
  const published = registeredEvents();
  const direct = directEvents();
  const events = [...published, ...direct];
  const aggregates = [...new Set(events.map(({ aggregate }) => aggregate))];
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Steelyard events',
      version,
      description: [
        'What happens in the shop, told by CloudEvents 1.0: each at least once, those of an aggregate in their order.',
        'Unknown members may come at any time, and unknown words in lists that are `x-extensible-enum`.',
        'What would break a reader comes as a new type, `….v2`, beside the old one.',
        `Transports carry them as \`${PUBLISHED_TYPE}\`; webhooks are the same documents, posted as \`${POSTED_TYPE}\`.`,
      ].join(' '),
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: PUBLISHED_TYPE,
    channels: {
      ...channelsOf(published, PUBLISHED_TYPE, ({ aggregate }) => ({
        address: `steelyard.${aggregate}`,
        description: PUBLISHED,
      })),
      // The address is the URL of the endpoint, which differs from one to the next.
      ...channelsOf(direct, POSTED_TYPE, () => ({ address: null, description: DIRECT })),
    },
    operations: Object.fromEntries(
      aggregates.map((aggregate) => [
        `publish_${aggregate}`,
        { action: 'send', channel: { $ref: `#/channels/${aggregate}` } },
      ]),
    ),
    components: {
      schemas: {
        CloudEvent: envelope(),
        ...Object.fromEntries(events.map(({ type, schema }) => [type, eventSchemaOf(schema)])),
      },
    },
  };
}

/**
 * What of a contract breaks whoever reads by the published one: channels that are gone or elsewhere, types that are gone,
 * and changes of their data.
 *
 * @returns a line for each, none where nothing breaks
 */
export function breakingEventChanges(published: EventContract, current: EventContract): string[] {
  const moved = Object.entries(published.channels).flatMap(([name, { address }]) => {
    const channel = current.channels[name];
    if (!channel) return [`The channel ${name} is gone`];
    return channel.address === address ? [] : [`The channel ${name} is no longer at ${String(address)}`];
  });
  const changed = Object.entries(published.components.schemas).flatMap(([type, schema]) => {
    const counterpart = current.components.schemas[type];
    return counterpart
      ? breakingChanges(schema, counterpart).map((change) => `${type} ${change}`)
      : [`${type} is gone`];
  });
  return [...moved, ...changed];
}

function channelsOf(
  events: readonly EventDefinition[],
  contentType: string,
  describe: (event: EventDefinition) => Omit<Channel, 'messages'>,
): Record<string, Channel> {
  const channels: Record<string, Channel> = {};
  for (const event of events) {
    const messages = events
      .filter(({ aggregate }) => aggregate === event.aggregate)
      .map(({ type }) => [type, messageOf(type, contentType)] as const);
    channels[event.aggregate] = { ...describe(event), messages: Object.fromEntries(messages) };
  }
  return channels;
}

function messageOf(type: string, contentType: string): object {
  return {
    name: type,
    contentType,
    payload: {
      allOf: [
        { $ref: '#/components/schemas/CloudEvent' },
        {
          type: 'object',
          properties: { type: { const: type }, data: { $ref: `#/components/schemas/${type}` } },
        },
      ],
    },
  };
}

function envelope(): JsonSchema {
  const { definitions } = toJsonSchema(cloudEventView, 'output');
  const { example, additionalProperties: _, ...schema } = definitions['CloudEvent'] ?? {};
  return { ...schema, examples: [example] };
}
