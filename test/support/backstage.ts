import { Clock } from '#kernel';
import { CompleteOrders, ExpireUnpaidOrders } from '#orders';
import { ApplyReports, ResolveOpenOperations } from '#payments';
import { EventFeed, type IntegrationEvent, OutboxRelay, ParkedEvents } from '#platform/messaging';
import type { Client } from 'pg';
import { type GatewayOutcome, PaymentGateway } from '../../libs/payments/src/domain/payment-gateway.js';
import type { TestApp } from './test-app.js';

/** Rounds of the worker in which everything that a test leaves open must come to its end. */
const MAX_ROUNDS = 20;

type GatewayCall = 'authorize' | 'capture' | 'void' | 'refund';

/** What happens behind the API while it is used: time passes, the worker works, the gateway is in a mood. */
export class Backstage {
  protected constructor(
    readonly api: TestApp,
    readonly sql: Client,
  ) {}

  /** Runs `fn` while the application's clock is `ms` ahead. */
  async later<T>(ms: number, fn: () => Promise<T>): Promise<T> {
    const clock = this.api.app.get(Clock);
    const now = clock.now.bind(clock);
    clock.now = () => new Date(now().getTime() + ms);
    try {
      return await fn();
    } finally {
      clock.now = now;
    }
  }

  /** Runs `fn` while the gateway behaves differently for this kind of call: it is given the call as it would be. */
  async withGateway<T>(
    kind: GatewayCall,
    behave: (call: () => Promise<GatewayOutcome>) => Promise<GatewayOutcome>,
    fn: () => Promise<T>,
  ): Promise<T> {
    const gateway = this.api.app.get(PaymentGateway, { strict: false });
    const call: (request: never) => Promise<GatewayOutcome> = gateway[kind].bind(gateway);
    gateway[kind] = (request: never) => behave(() => call(request));
    try {
      return await fn();
    } finally {
      gateway[kind] = call;
    }
  }

  /** Runs `fn` while the gateway takes every call of this kind and never answers. */
  whileGatewayHangs<T>(kind: GatewayCall, fn: () => Promise<T>): Promise<T> {
    return this.withGateway(kind, () => new Promise(() => {}), fn);
  }

  /** The worker looks for orders that nobody has paid, `afterMs` from now. */
  async expireUnpaid(afterMs = 0): Promise<void> {
    const job = this.api.app.get(ExpireUnpaidOrders);
    await this.later(afterMs, async () => {
      while ((await job.execute()) > 0);
    });
  }

  /** The worker looks for orders that are done, `afterMs` from now. */
  async completeOrders(afterMs = 0): Promise<void> {
    const job = this.api.app.get(CompleteOrders);
    await this.later(afterMs, async () => {
      while ((await job.execute()) > 0);
    });
  }

  /** The worker takes over the operations whose time has come; their number. */
  resolveDueOperations(): Promise<number> {
    return this.api.app.get(ResolveOpenOperations).execute();
  }

  /** The worker takes over every open operation, and what follows from it, as if its time had come. */
  async resolveOperations(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      await this.sql.query(
        // Not now(): the column rounds to milliseconds, up as well as down.
        `UPDATE payments.operations SET next_attempt_at = now() - interval '1 second'
          WHERE status IN ('created', 'sent', 'unknown') AND needs_attention_since IS NULL`,
      );
      if ((await this.resolveDueOperations()) === 0) return;
    }
    throw new Error(`Operations are still open after ${MAX_ROUNDS} rounds.`);
  }

  /** The worker applies what the gateway has reported, as if the time of every report had come; their number. */
  async applyReports(): Promise<number> {
    await this.sql.query(
      `UPDATE payments.gateway_reports SET next_attempt_at = now() - interval '1 second'
        WHERE status IN ('received', 'unmatched')`,
    );
    return this.api.app.get(ApplyReports).execute();
  }

  /** The worker relays every event that waits. */
  async relayEvents(): Promise<void> {
    const relay = this.api.app.get(OutboxRelay);
    while ((await relay.relayBatch()) > 0);
  }

  /** The events of one aggregate that have left, as a transport brings them. */
  eventsOf(aggregate: string, id: string): Promise<IntegrationEvent[]> {
    return this.api.app.get(EventFeed).ofAggregate(aggregate, id, 0, 100);
  }

  /** As if a consumer had tried the first of these events as often as it does, and the others waited behind. */
  async giveUp(consumer: string, events: readonly IntegrationEvent[], error: Error): Promise<void> {
    const parked = this.api.app.get(ParkedEvents);
    await parked.park(consumer, events.slice(0, 1), error);
    await parked.park(consumer, events.slice(1));
    await this.sql.query(
      `UPDATE platform.parked_events SET status = 'dead', attempts = 10 WHERE consumer = $1 AND event_id = $2`,
      [consumer, events[0]?.id],
    );
  }

  /** The worker brings everything that is on its way to its end. */
  async settle(): Promise<void> {
    await this.resolveOperations();
    await this.applyReports();
    await this.resolveOperations();
    await this.relayEvents();
  }
}
