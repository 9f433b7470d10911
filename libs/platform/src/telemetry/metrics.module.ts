import { type DynamicModule, Global, Inject, Injectable, Module, type OnModuleInit } from '@nestjs/common';
import {
  InjectMetric,
  makeCounterProvider,
  makeGaugeProvider,
  makeHistogramProvider,
  PrometheusModule,
} from '@willsoto/nestjs-prometheus';
import { type Counter, type Gauge, type Histogram, register } from 'prom-client';
import { ConfigReload } from '../config/index.js';
import { Database } from '../database/index.js';

/** Route label of whatever no route answers, so that random addresses make no series. */
const UNMATCHED_ROUTE = '<unmatched>';

const HTTP_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const DATABASE_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

const configReloads = makeCounterProvider({
  name: 'config_reload_total',
  help: 'Changes of the configuration that were read while the process ran, by what came of them.',
  labelNames: ['result'],
});

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

  /** Records what is open of the payments. */
  setOpenPayments(open: { unknown: number; needAttention: number; waitingReports: number }): void {
    this.unknownOperations.set(open.unknown);
    this.stuckOperations.set(open.needAttention);
    this.waitingReports.set(open.waitingReports);
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
      providers: [
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
          name: 'invariant_breaches',
          help: 'Open breaches of an invariant.',
          labelNames: ['invariant'],
        }),
        makeCounterProvider({
          name: 'invariant_checked_total',
          help: 'Looks at a row by the check of an invariant.',
          labelNames: ['check'],
        }),
        configReloads,
        Metrics,
      ],
      exports: [Metrics],
    };
  }
}

class NoController {}
