import { rmSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '#kernel';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#platform/embedded-postgres';
import { generateAppSecret, generateSigningKeys } from '#platform/security';
import { Client } from 'pg';
import {
  type RunningSimulator,
  startGatewaySimulator,
  WEBHOOK_SECRET,
} from '../support/gateway-simulator.js';
import { freePort } from '../support/free-port.js';
import { type SpawnedApp, spawnApp } from '../support/spawn-app.js';
import { ENDPOINTS, type Inbox, WebhookPartner } from '../support/webhook-partner.js';
import { Caller, keyedCall } from './caller.js';
import { countUnheard } from './check-consumers.js';
import { MailServer } from './mail-server.js';

/** A product of the shop; `price` in minor units. */
export interface Product {
  readonly id: string;
  readonly price: number;
}

/** A gateway that behaves again has answered one of so many. */
const MANY_ATTEMPTS = 12;

const WEBHOOK_PATH = '/api/v1/payment-webhooks/stripe';

/** What holds in every rig, beside addresses and secrets. */
const SETTINGS = {
  LOG_LEVEL: 'error',
  RATE_LIMIT_ENABLED: 'false',
  WORKER_POLL_MS: '50',
  PAYMENT_GATEWAY: 'stripe',
  STRIPE_API_KEY: 'sk_test_1',
  MAIL_FROM: 'shop@example.com',
  // The partner lives here.
  WEBHOOKS_ALLOW_PRIVATE_TARGETS: 'true',
  STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
  // Odd sums, so that a split that loses a cent shows.
  ORDER_SHIPPING_FLAT_MINOR: '350',
  ORDER_TAX_BASIS_POINTS: '1950',
  // Orders expire when a test wants them to.
  ORDER_PAYMENT_WINDOW_SECONDS: '86400',
};

/** A server that is just ending may still be writing: hence the retries. */
const REMOVAL = { recursive: true, force: true, maxRetries: 20, retryDelay: 50 };

/** Rigs that run, for when this process ends before they do. */
const running = new Set<Rig>();

process.once('exit', () => {
  for (const rig of running) rig.abandon();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

/** What the partner wants to be told. */
const TOLD_TO_PARTNER = 'steelyard.order.*';

const DEADLOCK_DETECTED = '40P01';
const MOST_TRUNCATIONS = 10;

/**
 * Everything that can die: PostgreSQL, durable; the application, api and worker in one process; and the gateway, a mail
 * server and a partner who is told of every order, which live here and remember every effect. The application keeps its
 * ports and secrets from one life to the next.
 */
export class Rig {
  app!: SpawnedApp;
  sql!: Client;
  /** What the partner was told. */
  webhooks!: Inbox;
  /** How often the application was killed, and PostgreSQL. */
  readonly kills = { app: 0, postgres: 0 };

  private constructor(
    private readonly directory: string,
    private postgres: EmbeddedPostgres,
    readonly gateway: RunningSimulator,
    readonly caller: Caller,
    readonly mails: MailServer,
    private readonly partner: WebhookPartner,
    private readonly settings: Record<string, string>,
  ) {}

  /** @param tells whether the gateway sends webhooks */
  static async start(settings: Record<string, string>, { tells = true } = {}): Promise<Rig> {
    const directory = await mkdtemp(join(tmpdir(), 'steelyard-faults-'));
    // As root, PostgreSQL runs as another account, which may enter and not look around.
    await chmod(directory, 0o711);
    const postgres = await startEmbeddedPostgres({
      dataDir: join(directory, 'data'),
      port: await freePort(),
    });
    const [port, managementPort] = [await freePort(), await freePort()];
    const baseUrl = `http://127.0.0.1:${port}`;
    const gateway = await startGatewaySimulator(tells ? baseUrl + WEBHOOK_PATH : undefined);
    const mails = await MailServer.start();
    const partner = await WebhookPartner.start();
    const rig = new Rig(directory, postgres, gateway, new Caller(baseUrl), mails, partner, {
      ...SETTINGS,
      DATABASE_URL: postgres.url,
      PORT: String(port),
      MANAGEMENT_PORT: String(managementPort),
      STEELYARD_DATA_DIR: directory,
      APP_SECRET: generateAppSecret(),
      SIGNING_KEYS: await generateSigningKeys(),
      STRIPE_API_BASE: gateway.url,
      MAIL_SMTP_URL: mails.url,
      ...settings,
    });
    await rig.connect();
    await rig.startApp();
    running.add(rig);
    await rig.caller.signIn();
    await rig.subscribePartner();
    return rig;
  }

  async startApp(): Promise<void> {
    this.app = spawnApp('apps/standalone/src/main.ts', {
      cwd: this.directory,
      env: this.settings,
      preload: 'test/faults/arm-on-message.mjs',
    });
    await this.app.wrote(/is ready after/);
  }

  /** Kills the application where it stands. */
  async killApp(): Promise<void> {
    this.kills.app += 1;
    await this.app.end('SIGKILL');
  }

  /** Starts the application again whenever it has died, until `over`; then it runs, with no failpoint armed. */
  async keepAppAlive(over: Promise<unknown>): Promise<void> {
    const isOver = over.then(() => 'over' as const);
    for (;;) {
      const event = await Promise.race([this.app.ended, isOver]);
      if (event === 'over' && (await this.isDisarmed())) return;
      if (event !== 'over') this.kills.app += 1;
      // It does not start as long as PostgreSQL does not.
      while (
        !(await this.startApp().then(
          () => true,
          () => false,
        ))
      )
        await delay(100);
    }
  }

  /** Kills PostgreSQL with all its processes where they stand, and starts it again on what it had written. */
  async killPostgres(): Promise<void> {
    this.kills.postgres += 1;
    const { pid, exited, port } = this.postgres;
    process.kill(-pid, 'SIGKILL');
    await exited;
    await this.postgres.stop();
    this.postgres = await startEmbeddedPostgres({ dataDir: join(this.directory, 'data'), port });
    await this.connect();
  }

  /**
   * Ends the leases of whoever has been killed, and the pauses before the next attempt, as time would. A lease that
   * ends while somebody still works under it is one more thing that must do no harm.
   */
  async passTime(): Promise<void> {
    // Whatever is sent again and again to no avail: its settle window ends.
    await this.sql.query(
      `UPDATE payments.operations SET first_sent_at = now() - interval '2 hours'
        WHERE status = 'unknown' AND attempts >= ${MANY_ATTEMPTS}`,
    );
    // Not now(): the columns round to milliseconds, up as well as down.
    await this.sql.query(
      `UPDATE payments.operations SET leased_until = now() - interval '1 second', next_attempt_at = now() - interval '1 second'
        WHERE status IN ('created', 'sent', 'unknown')`,
    );
    await this.sql.query(
      `UPDATE payments.gateway_reports SET next_attempt_at = now() - interval '1 second'
        WHERE status IN ('received', 'unmatched')`,
    );
    await this.sql.query(`UPDATE platform.mails SET next_attempt_at = now() - interval '1 second'`);
    await this.sql.query(
      `UPDATE platform.parked_events SET next_attempt_at = now() - interval '1 second' WHERE status = 'retrying'`,
    );
    await this.sql.query(
      // Not those that somebody has just begun to send: done again and again, that would let none come to its end.
      `UPDATE webhooks.deliveries SET leased_until = NULL, next_attempt_at = now() - interval '1 second'
        WHERE status = 'pending' AND (leased_until IS NULL OR leased_until < now() + interval '59 seconds')`,
    );
    await this.sql.query(
      `UPDATE platform.idempotency_keys SET leased_until = now() - interval '1 second' WHERE result IS NULL`,
    );
  }

  /**
   * An empty shop, and a gateway that has never done anything; people keep their accounts, consumers their places, and
   * the partner their endpoint.
   */
  async forgetEverything(): Promise<void> {
    const { rows } = await this.sql.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
        WHERE schemaname IN ('platform', 'catalog', 'payments', 'orders', 'sales', 'webhooks')
          AND (schemaname, tablename) NOT IN (('platform', 'consumer_positions'), ('sales', 'current'),
                                              ('webhooks', 'endpoints'))`,
    );
    // The ledger refuses to forget, by a trigger that only a replica leaves out.
    const truncation = `BEGIN; SET LOCAL session_replication_role = replica;
       TRUNCATE ${rows.map(({ name }) => name).join(', ')} CASCADE; COMMIT`;
    // The jobs of the running application lock the tables in an order of their own.
    for (let tries = 1; ; tries += 1) {
      try {
        await this.sql.query(truncation);
        break;
      } catch (error) {
        await this.sql.query('ROLLBACK');
        if ((error as { code?: string }).code !== DEADLOCK_DETECTED || tries === MOST_TRUNCATIONS)
          throw error;
      }
    }
    this.gateway.simulator.reset();
    this.mails.received = [];
    this.webhooks.received.length = 0;
    this.caller.told = [];
    this.caller.sent = 0;
  }

  /** Has the settle window end for orders of these products: what the gateway has not done by now it never will. */
  async passSettleWindow(products: readonly Product[]): Promise<void> {
    await this.sql.query(
      `UPDATE payments.operations o
          SET first_sent_at = now() - interval '2 hours', next_attempt_at = now() - interval '1 second'
         FROM payments.payments p JOIN orders.order_lines l ON l.order_id = p.order_id
        WHERE p.id = o.payment_id AND o.status = 'unknown' AND l.product_id = ANY($1)`,
      [products.map(({ id }) => id)],
    );
  }

  /** A new product, of which so many pieces are there. */
  async product(price: number, stock: number): Promise<Product> {
    const draft = { sku: `SKU-${newId()}`, name: 'Stoneware mug', price: { amount: price, currency: 'GBP' } };
    const created = await this.caller.finish(keyedCall('staff', '/api/v1/products', draft), 10_000);
    if (created?.status !== 201) throw new Error(`There is no product: ${JSON.stringify(created)}`);
    const id = created.body.id as string;
    const arrival = { kind: 'receive', quantity: stock };
    const call = keyedCall('staff', `/api/v1/products/${id}/stock-movements`, arrival);
    const received = await this.caller.finish(call, 10_000);
    if (received?.status !== 201) throw new Error(`There is no stock: ${JSON.stringify(received)}`);
    return { id, price };
  }

  /** Waits until nothing is on its way any more, and says whether that was so within `withinMs`. */
  async drains(withinMs: number): Promise<boolean> {
    const deadline = performance.now() + withinMs;
    while (performance.now() < deadline) {
      // Asked first: what comes of the last webhook is still to be seen then.
      const isQuiet = this.gateway.isQuiet();
      const { rows } = await this.sql.query<{ open: number }>(
        `SELECT ((SELECT count(*) FROM payments.operations WHERE status IN ('created', 'sent', 'unknown'))
               + (SELECT count(*) FROM payments.gateway_reports WHERE status IN ('received', 'unmatched'))
               + (SELECT count(*) FROM platform.outbox WHERE published_at IS NULL)
               + (SELECT count(*) FROM webhooks.deliveries WHERE status = 'pending'))::int AS open`,
      );
      if (rows[0]!.open === 0 && isQuiet && (await countUnheard(this.sql)) === 0) return true;
      await delay(50);
    }
    return false;
  }

  async stop(): Promise<void> {
    await this.sql.end();
    await this.app.end('SIGKILL');
    await this.gateway.close();
    await this.mails.close();
    await this.partner.stop();
    await this.postgres.stop();
    await rm(this.directory, REMOVAL);
    running.delete(this);
  }

  /** Leaves no process and no file behind, at once. */
  abandon(): void {
    this.app.signal('SIGKILL');
    try {
      process.kill(-this.postgres.pid, 'SIGKILL');
    } catch {
      // It is dead already.
    }
    rmSync(this.directory, REMOVAL);
  }

  private async subscribePartner(): Promise<void> {
    this.webhooks = this.partner.inbox();
    const endpoint = { url: this.webhooks.url, eventTypes: [TOLD_TO_PARTNER] };
    const created = await this.caller.finish(keyedCall('admin', ENDPOINTS, endpoint), 10_000);
    if (created?.status !== 201) throw new Error(`The partner has no endpoint: ${JSON.stringify(created)}`);
    this.caller.told = [];
  }

  /** Whether it lives and will go on living. */
  private async isDisarmed(): Promise<boolean> {
    return this.app.tell('').then(
      () => true,
      () => false,
    );
  }

  private async connect(): Promise<void> {
    this.sql = new Client({ connectionString: this.postgres.url });
    // A connection that breaks also fails the query that waits for it, which says so.
    this.sql.on('error', () => undefined);
    await this.sql.connect();
  }
}
