import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { newId } from '#kernel';
import { Config } from '#platform/config';
import { EventConsumers, OutboxRelay } from '#platform/messaging';
import { DeliverWebhooks } from '#webhooks';
import { PinoLogger } from 'nestjs-pino';
import type { DeliveryView } from '../../libs/webhooks/src/deliveries/delivery.schema.js';
import { DeliveryQueue } from '../../libs/webhooks/src/deliveries/delivery-queue.js';
import { RecordAttempt } from '../../libs/webhooks/src/deliveries/record-attempt.js';
import { WebhookSender } from '../../libs/webhooks/src/deliveries/webhook-sender.js';
import type {
  EndpointView,
  EndpointWithSecretView,
} from '../../libs/webhooks/src/endpoints/endpoint.schema.js';
import { eventually } from './eventually.js';
import { Shop } from './shop.js';
import type { Answer } from './test-app.js';

export const ENDPOINTS = '/api/v1/webhook-endpoints';
export const PRODUCT_CREATED = 'steelyard.product.created.v1';

/** One webhook as it came. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One endpoint of a partner: what it got, and how it answers. */
export interface Inbox {
  readonly url: string;
  readonly received: Received[];
  answer: (response: ServerResponse) => void;
}

/** The server of a partner, with any number of endpoints. */
export class WebhookPartner {
  private readonly inboxes = new Map<string, Inbox>();

  private constructor(
    private readonly server: ReturnType<typeof createServer>,
    readonly origin: string,
  ) {}

  static async start(): Promise<WebhookPartner> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const partner = new WebhookPartner(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (request, response) => {
      void text(request).then((body) => {
        const inbox = partner.inboxes.get(request.url ?? '');
        inbox?.received.push({ headers: request.headers, body });
        if (inbox) inbox.answer(response);
        else response.writeHead(404).end();
      });
    });
    return partner;
  }

  /** A new endpoint, which answers 204. */
  inbox(): Inbox {
    const path = `/${newId()}`;
    const inbox: Inbox = { url: this.origin + path, received: [], answer: status(204) };
    this.inboxes.set(path, inbox);
    return inbox;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

export function status(code: number, headers: Record<string, string> = {}, body = '') {
  return (response: ServerResponse): void => void response.writeHead(code, headers).end(body);
}

/** The shop, its events on their way to consumers, and a partner who wants to be told. */
export class WebhookStage {
  private constructor(
    readonly shop: Shop,
    readonly partner: WebhookPartner,
  ) {}

  static async open(settings: Record<string, string> = {}): Promise<WebhookStage> {
    const shop = await Shop.open({ WEBHOOKS_ALLOW_PRIVATE_TARGETS: 'true', ...settings });
    shop.api.app.get(EventConsumers).start();
    const stage = new WebhookStage(shop, await WebhookPartner.start());
    // What made the shop is no news.
    await stage.relay();
    return stage;
  }

  async close(): Promise<void> {
    await this.shop.api.app.get(EventConsumers).stop(5_000);
    await this.shop.close();
    await this.partner.stop();
  }

  /** Makes an endpoint; its view, with the secret. */
  async endpoint(
    { url }: Pick<Inbox, 'url'>,
    eventTypes = [PRODUCT_CREATED],
  ): Promise<EndpointWithSecretView> {
    const { status: code, body } = await this.call('POST', ENDPOINTS, { url, eventTypes });
    expect(code).toBe(201);
    return body as EndpointWithSecretView;
  }

  /** What an admin asks for. */
  call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.shop.api.call(method, path, { token: this.shop.admin.token, body, headers });
  }

  /** Gives the endpoint a new secret. */
  async rotate(id: string): Promise<EndpointWithSecretView> {
    return (await this.call('POST', `${ENDPOINTS}/${id}/rotate-secret`, {})).body as EndpointWithSecretView;
  }

  /** The endpoint as it is now. */
  async view(id: string): Promise<EndpointView> {
    return (await this.call('GET', `${ENDPOINTS}/${id}`)).body as EndpointView;
  }

  /** What was sent to the endpoint, newest first. */
  async deliveries(id: string, query = ''): Promise<DeliveryView[]> {
    return (await this.call('GET', `${ENDPOINTS}/${id}/deliveries${query}`)).body.data as DeliveryView[];
  }

  /** A product is created, and the endpoint is going to be told; the delivery. */
  async happens(id: string): Promise<DeliveryView> {
    const before = (await this.deliveries(id)).length;
    await this.shop.product({ stock: 0 });
    await this.relay();
    const deliveries = await this.deliveries(id);
    expect(deliveries).toHaveLength(before + 1);
    return deliveries[0]!;
  }

  /** All events leave, and it is known to whom they go. */
  async relay(): Promise<void> {
    const relay = this.shop.api.app.get(OutboxRelay);
    while ((await relay.relayBatch()) > 0);
    await eventually(async () => {
      const { rows } = await this.shop.sql.query<{ left: boolean }>(
        `SELECT position < (SELECT max(feed_position) FROM platform.outbox) AS left
           FROM platform.consumer_positions WHERE consumer = 'webhooks.fan-out'`,
      );
      expect(rows).toEqual([{ left: false }]);
    });
  }

  /** A part of the application. */
  part<T>(type: abstract new (...args: never[]) => T): T {
    return this.shop.api.app.get<T>(type, { strict: false });
  }

  /** Another worker beside the one of the application. */
  async worker(sender = this.part(WebhookSender)): Promise<DeliverWebhooks> {
    const logger = await this.shop.api.app.resolve<PinoLogger>(PinoLogger, undefined, { strict: false });
    return new DeliverWebhooks(
      this.part(DeliveryQueue),
      sender,
      this.part(RecordAttempt),
      this.part(Config),
      logger,
    );
  }

  /** The worker sends what is due, to the end, `afterMs` from now. */
  async deliver(afterMs = 0, job = this.part(DeliverWebhooks)): Promise<void> {
    await this.shop.later(afterMs, async () => {
      while ((await job.execute()) > 0);
    });
  }
}
