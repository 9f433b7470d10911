import type { Provider } from '@nestjs/common';
import { makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';

const HTTP_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const PROCESS_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const DATABASE_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** Every series that the services have, beside those of Node itself. */
export const SERIES: Provider[] = [
  makeCounterProvider({
    name: 'http_requests_total',
    help: 'Requests answered.',
    labelNames: ['method', 'path', 'status'],
  }),
  makeHistogramProvider({
    name: 'http_request_duration_seconds',
    help: 'Time to answer a request.',
    labelNames: ['method', 'path'],
    buckets: HTTP_BUCKETS_SECONDS,
  }),
  makeCounterProvider({ name: 'error_total', help: 'Errors answered, by code.', labelNames: ['type'] }),
  makeHistogramProvider({
    name: 'db_latency_seconds',
    help: 'Time of a named SQL statement.',
    labelNames: ['operation'],
    buckets: DATABASE_BUCKETS_SECONDS,
  }),
  makeGaugeProvider({
    name: 'db_pool_connections',
    help: 'Connections of the pool.',
    labelNames: ['state'],
  }),
  makeGaugeProvider({ name: 'db_pool_pending', help: 'Callers waiting for a connection.' }),
  makeCounterProvider({
    name: 'payments_total',
    help: 'Tries to authorize a payment.',
    labelNames: ['gateway', 'outcome'],
  }),
  makeGaugeProvider({
    name: 'payment_operations_unknown',
    help: 'Operations at the gateway whose outcome nobody knows.',
  }),
  makeGaugeProvider({
    name: 'payment_operations_need_attention',
    help: 'Operations of which only staff can say what became.',
  }),
  makeGaugeProvider({
    name: 'payment_reports_waiting',
    help: 'Reports of the gateway that are not applied, or contradict the books.',
  }),
  makeCounterProvider({
    name: 'ratelimit_rejected_total',
    help: 'Requests refused because there were too many.',
    labelNames: ['policy'],
  }),
  makeGaugeProvider({
    name: 'password_hashes',
    help: 'Passwords that are hashed or compared right now, or wait for it.',
    labelNames: ['state'],
  }),
  makeCounterProvider({
    name: 'password_hashes_refused_total',
    help: 'Passwords that were not looked at because too many waited.',
  }),
  makeGaugeProvider({ name: 'outbox_pending', help: 'Events that have not left the outbox.' }),
  makeGaugeProvider({ name: 'outbox_oldest_seconds', help: 'Age of the oldest of them.' }),
  makeCounterProvider({
    name: 'outbox_relay_total',
    help: 'Events handed to the transport, or not.',
    labelNames: ['transport', 'outcome'],
  }),
  makeCounterProvider({
    name: 'broker_messages_total',
    help: 'Events that a transport, a broker or PostgreSQL, brought to a consumer, by what became of them.',
    labelNames: ['consumer', 'outcome'],
  }),
  makeHistogramProvider({
    name: 'broker_process_seconds',
    help: 'Time in which a consumer applied the events that were brought to it together.',
    labelNames: ['consumer'],
    buckets: PROCESS_BUCKETS_SECONDS,
  }),
  makeGaugeProvider({
    name: 'broker_consumer_lag',
    help: 'Events that a consumer has not applied or put aside yet, as far as the transport can tell.',
    labelNames: ['consumer'],
  }),
  makeGaugeProvider({
    name: 'dlq_depth',
    help: 'Events that a consumer could not apply and gave up.',
    labelNames: ['consumer'],
  }),
  makeGaugeProvider({
    name: 'events_parked',
    help: 'Events that a consumer tries again, or that wait behind one.',
    labelNames: ['consumer'],
  }),
  makeCounterProvider({
    name: 'stock_alerts_total',
    help: 'Products that became low on stock or sold out.',
    labelNames: ['availability'],
  }),
  makeGaugeProvider({ name: 'http_event_streams', help: 'Server-sent event streams that are open.' }),
  makeCounterProvider({
    name: 'webhook_deliveries_total',
    help: 'Attempts to deliver a webhook, by what came of them.',
    labelNames: ['outcome'],
  }),
  makeGaugeProvider({
    name: 'webhook_endpoints_disabled',
    help: 'Webhook endpoints that nothing is sent to, by why that is.',
    labelNames: ['reason'],
  }),
  makeGaugeProvider({ name: 'webhook_pending', help: 'Webhooks that are not delivered and not given up.' }),
  makeGaugeProvider({
    name: 'invariant_breaches',
    help: 'Open breaches of an invariant.',
    labelNames: ['invariant'],
  }),
  makeCounterProvider({
    name: 'invariant_checked_total',
    help: 'Looks at a row by the check of an invariant.',
    labelNames: ['check'],
  }),
  makeCounterProvider({
    name: 'config_reload_total',
    help: 'Changes of the configuration that were read while the process ran, by what came of them.',
    labelNames: ['result'],
  }),
];
