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
import { ENDPOINTS, type Inbox, WebhookPartner } from './webhook-partner.js';

export const PRODUCT_CREATED = 'steelyard.product.created.v1';

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
