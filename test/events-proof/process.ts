/**
 * One process of the proof and of the benchmark: `relay` does what a worker's relays do, `consumer` what its consumers
 * do (`witness` beside that writes down what comes), and `pruner` prunes what is older than so many seconds. Each by the
 * parts of the worker itself, and apart from each other, so that each can be killed alone.
 */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { loadSettings, readEnvironment, SERVER_SETTINGS } from '#platform/config';
import { Database, statement } from '#platform/database';
import { PollingLoop } from '#platform/jobs';
import {
  ApplyEvents,
  EventBus,
  EventConsumers,
  EventRelays,
  EventTransport,
  type IntegrationEvent,
  PruneEvents,
} from '#platform/messaging';
import { Logger, PinoLogger } from 'nestjs-pino';
import { PlatformModule } from '../../apps/api/src/index.js';
import { CONSUMER, happened } from './proof-event.js';

const POLL_MS = 250;
const PRUNE_POLL_MS = 1_000;
const PRUNE_BATCH_SIZE = 10_000;

const noteDelivery = statement(
  'proof.note_delivery',
  `INSERT INTO proof.deliveries (event_id, aggregate_id, sequence, was_applied)
   SELECT id, "aggregateId", sequence,
          EXISTS (SELECT FROM platform.inbox WHERE consumer = '${CONSUMER}' AND event_id = id)
            OR n > first_value(n) OVER (PARTITION BY id ORDER BY n)
     FROM ROWS FROM (json_to_recordset($1::json) AS (id uuid, "aggregateId" uuid, sequence int))
          WITH ORDINALITY AS event (id, "aggregateId", sequence, n)
    ORDER BY n`,
);
const apply = statement(
  'proof.apply',
  'INSERT INTO proof.applied (event_id, aggregate_id, sequence) VALUES ($1, $2, $3)',
);

const role = process.argv[2];
const settings = loadSettings(readEnvironment(), { required: SERVER_SETTINGS });
const app = await NestFactory.createApplicationContext(PlatformModule.forRoot(settings, `proof-${role}`), {
  bufferLogs: true,
});
app.useLogger(app.get(Logger, { strict: false }));
const of = <T>(part: abstract new (...args: never[]) => T): T => app.get<T>(part, { strict: false });
const logger = await app.resolve(PinoLogger, undefined, { strict: false });

if (role === 'relay') relay();
else if (role === 'pruner') prune(Number(process.argv[3]));
else consume();

function relay(): void {
  of(EventRelays).start();
  sayReady();
}

function consume(): void {
  const database = of(Database);
  of(EventBus).consume({
    name: CONSUMER,
    types: [happened.type],
    apply: async ({ id, aggregateId, sequence }) => {
      await database.query(apply, [id, aggregateId, sequence]);
    },
  });
  const transport = of(EventTransport);
  const subscribe = transport.subscribe.bind(transport);
  transport.subscribe = async (group, handle) => {
    const subscription = await subscribe(
      group,
      role === 'witness'
        ? async (events) => {
            // Before anybody looks at it.
            await database.outside(() => note(database, events));
            await handle(events);
          }
        : handle,
    );
    sayReady();
    return subscription;
  };
  of(EventConsumers).start();
  const round = async () => Number(await of(ApplyEvents).retryOne());
  new PollingLoop({ name: 'retry-events', pollMs: POLL_MS, round }, logger).start();
}

/** Keeps events for so long, and what the inbox knows of them twice as long, as the worker does by days. */
function prune(keptSeconds: number): void {
  // Pruning waits for consumers that it knows.
  of(EventBus).consume({ name: CONSUMER, types: [happened.type], apply: () => Promise.resolve() });
  for (const [name, round] of [
    ['prune-events', () => of(PruneEvents).execute(keptSeconds, PRUNE_BATCH_SIZE)],
    ['prune-inbox', () => of(ApplyEvents).pruneInbox(2 * keptSeconds, PRUNE_BATCH_SIZE)],
  ] as const) {
    new PollingLoop({ name, pollMs: PRUNE_POLL_MS, round }, logger).start();
  }
  sayReady();
}

async function note(database: Database, events: readonly IntegrationEvent[]): Promise<void> {
  const rows = events.map(({ id, aggregateId, sequence }) => ({ id, aggregateId, sequence }));
  await database.query(noteDelivery, [JSON.stringify(rows)]);
}

/** A relay works, a consumer is subscribed: what happens from now on comes to it. */
function sayReady(): void {
  process.stdout.write('ready\n');
}
