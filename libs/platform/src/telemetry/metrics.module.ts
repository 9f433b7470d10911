import { type DynamicModule, Global, Inject, Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, PrometheusModule } from '@willsoto/nestjs-prometheus';
import { type Counter, type Gauge, type Histogram, register } from 'prom-client';
import { ConfigReload } from '../config/index.js';
import { Database } from '../database/index.js';
import { SERIES } from './series.js';

/** Route label of whatever no route answers, so that random addresses make no series. */
const UNMATCHED_ROUTE = '<unmatched>';

/** Everything that the services measure. Labels are closed sets: route templates, registered names, error codes. */
@Injectable()
export class Metrics implements OnModuleInit {
  constructor(
    @InjectMetric('http_requests_total') private readonly httpRequests: Counter,
    @InjectMetric('http_request_duration_seconds') private readonly httpDuration: Histogram,
    @InjectMetric('error_total') private readonly errors: Counter,
    @InjectMetric('db_latency_seconds') private readonly databaseLatency: Histogram,
    @InjectMetric('db_pool_connections') private readonly poolConnections: Gauge,
    @InjectMetric('db_pool_pending') private readonly poolPending: Gauge,
    @InjectMetric('payments_total') private readonly payments: Counter,
    @InjectMetric('payment_operations_unknown') private readonly unknownOperations: Gauge,
    @InjectMetric('payment_operations_need_attention') private readonly stuckOperations: Gauge,
    @InjectMetric('payment_reports_waiting') private readonly waitingReports: Gauge,
    @InjectMetric('ratelimit_rejected_total') private readonly rateLimited: Counter,
    @InjectMetric('password_hashes') private readonly passwordHashes: Gauge,
    @InjectMetric('password_hashes_refused_total') private readonly refusedHashes: Counter,
    @InjectMetric('outbox_pending') private readonly outboxPending: Gauge,
    @InjectMetric('outbox_oldest_seconds') private readonly outboxOldest: Gauge,
    @InjectMetric('outbox_relay_total') private readonly relayed: Counter,
    @InjectMetric('broker_messages_total') private readonly consumed: Counter,
    @InjectMetric('broker_process_seconds') private readonly processDuration: Histogram,
    @InjectMetric('broker_consumer_lag') private readonly consumerLag: Gauge,
    @InjectMetric('dlq_depth') private readonly deadLetters: Gauge,
    @InjectMetric('events_parked') private readonly parkedEvents: Gauge,
    @InjectMetric('stock_alerts_total') private readonly stockAlerts: Counter,
    @InjectMetric('http_event_streams') private readonly eventStreams: Gauge,
    @InjectMetric('webhook_deliveries_total') private readonly webhookDeliveries: Counter,
    @InjectMetric('webhook_endpoints_disabled') private readonly webhooksDisabled: Gauge,
    @InjectMetric('webhook_pending') private readonly webhooksPending: Gauge,
    @InjectMetric('invariant_breaches') private readonly invariantBreaches: Gauge,
    @InjectMetric('invariant_checked_total') private readonly invariantChecked: Counter,
    @InjectMetric('config_reload_total') private readonly configReloads: Counter,
    @Inject(Database) private readonly database: Database,
    @Inject(ConfigReload) private readonly configReload: ConfigReload,
  ) {}

  onModuleInit(): void {
    this.database.onQuery(({ name, durationMs }) => {
      this.databaseLatency.observe({ operation: name }, durationMs / 1000);
    });
    this.configReload.onReload((result) => this.configReloads.inc({ result }));
  }

  /** Records one answered request. */
  observeRequest(observation: {
    method: string;
    route: string | undefined;
    status: number;
    durationMs: number;
    errorCode: string | undefined;
  }): void {
    const { method, status, durationMs, errorCode } = observation;
    const path = observation.route ?? UNMATCHED_ROUTE;
    this.httpRequests.inc({ method, path, status: String(status) });
    this.httpDuration.observe({ method, path }, durationMs / 1000);
    if (errorCode) this.errors.inc({ type: errorCode });
  }

  /** Reads the state of the connection pool; called when the metrics are scraped. */
  samplePool(): void {
    const { total, idle, waiting } = this.database.poolState();
    this.poolConnections.set({ state: 'idle' }, idle);
    this.poolConnections.set({ state: 'busy' }, total - idle);
    this.poolPending.set(waiting);
  }

  /** Counts a try to authorize a payment, by what came of it; `unknown` when nobody knows yet. */
  countPayment(gateway: string, outcome: string): void {
    this.payments.inc({ gateway, outcome });
  }

  /** Counts a request that was one too many, by the policy that says so. */
  countRateLimited(policy: string): void {
    this.rateLimited.inc({ policy });
  }

  /** Records how many passwords are hashed or compared, and how many wait for a core. */
  setPasswordHashes({ running, waiting }: { running: number; waiting: number }): void {
    this.passwordHashes.set({ state: 'running' }, running);
    this.passwordHashes.set({ state: 'waiting' }, waiting);
  }

  /** Counts a password that was not looked at because too many waited. */
  countRefusedHash(): void {
    this.refusedHashes.inc();
  }

  /** Records what is open of the payments. */
  setOpenPayments(open: { unknown: number; needAttention: number; waitingReports: number }): void {
    this.unknownOperations.set(open.unknown);
    this.stuckOperations.set(open.needAttention);
    this.waitingReports.set(open.waitingReports);
  }

  /** Records how many events have not left, and how old the oldest of them is. */
  setOutbox({ pending, oldestSeconds }: { pending: number; oldestSeconds: number }): void {
    this.outboxPending.set(pending);
    this.outboxOldest.set(oldestSeconds);
  }

  /** Counts events that the relay handed to the transport, or could not: `published` or `failed`. */
  countRelayed(transport: string, outcome: 'published' | 'failed', events: number): void {
    this.relayed.inc({ transport, outcome }, events);
  }

  /** Counts events that came to a consumer, by what became of them. */
  countConsumed(
    consumer: string,
    outcome: 'applied' | 'duplicate' | 'parked' | 'dead',
    events: number,
  ): void {
    if (events > 0) this.consumed.inc({ consumer, outcome }, events);
  }

  /** Records how long a consumer took for the events that were brought to it together. */
  observeConsumed(consumer: string, durationMs: number): void {
    this.processDuration.observe({ consumer }, durationMs / 1000);
  }

  /** Records how many events wait for a consumer; undefined where nobody can tell. */
  setConsumerLag(consumer: string, lag: number | undefined): void {
    if (lag === undefined) this.consumerLag.remove({ consumer });
    else this.consumerLag.set({ consumer }, lag);
  }

  /** Records what consumers could not apply: what is tried again, and what was given up. */
  setParkedEvents(state: readonly { consumer: string; dead: number; retrying: number }[]): void {
    this.deadLetters.reset();
    this.parkedEvents.reset();
    for (const { consumer, dead, retrying } of state) {
      this.deadLetters.set({ consumer }, dead);
      this.parkedEvents.set({ consumer }, retrying);
    }
  }

  /** Counts a product of which there is less than before: `low_stock` or `out_of_stock`. */
  countStockAlert(availability: string): void {
    this.stockAlerts.inc({ availability });
  }

  /** Records how many streams of server-sent events are open. */
  setEventStreams(open: number): void {
    this.eventStreams.set(open);
  }

  /** Counts an attempt to deliver a webhook: the last word of the partner, or one that is followed by another. */
  countWebhookAttempt(outcome: 'succeeded' | 'retrying' | 'failed'): void {
    this.webhookDeliveries.inc({ outcome });
  }

  /** Records how many webhook endpoints are disabled for a reason. */
  setDisabledWebhookEndpoints(reason: string, count: number): void {
    this.webhooksDisabled.set({ reason }, count);
  }

  /** Records how many webhooks wait for their delivery. */
  setPendingWebhooks(pending: number): void {
    this.webhooksPending.set(pending);
  }

  /** Records how many breaches of an invariant are open, by its number. */
  setBreaches(invariant: number, open: number): void {
    this.invariantBreaches.set({ invariant: String(invariant) }, open);
  }

  /** Counts what an invariant's check has looked at. */
  countChecked(check: string, looks: number): void {
    this.invariantChecked.inc({ check }, looks);
  }
}

/** Registers the series. They are served by the management server, never on the main port. */
@Global()
@Module({})
export class MetricsModule {
  static forRoot(): DynamicModule {
    // The library's registry belongs to the process: the newest application of the process has it.
    register.clear();
    return {
      module: MetricsModule,
      // The library's own controller would serve the metrics on the main port; the management server does it instead.
      imports: [PrometheusModule.register({ controller: NoController, defaultMetrics: { enabled: true } })],
      providers: [...SERIES, Metrics],
      exports: [Metrics],
    };
  }
}

class NoController {}
