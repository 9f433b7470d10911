import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Config } from '#platform/config';
import { Database, statement } from '#platform/database';
import { type Mail, mailKind, mailLink, MailQueue } from '#platform/mail';
import { EventBus, type EventDefinition, type IntegrationEvent } from '#platform/messaging';
import { isPseudonym } from '#users';
import type { LineChange } from '../domain/order.js';
import { type OrderEventData, orderEvents } from '../orders.events.js';
import { FindOrders } from './find-orders.js';
import { OrderAccess } from './order-access.js';
import { type Letter, orderLetters, type ParcelTracking } from './order-letters.js';
import type { OrderView } from './order-view.js';

/** What is known of a change when its mail is asked for; what else it says is read when it leaves. */
interface Change {
  readonly orderId: string;
  readonly version: number;
  readonly lines: readonly LineChange[];
}

const mails = {
  confirmed: mailKind<Change>('orders.confirmed'),
  partShipped: mailKind<Change>('orders.part_shipped'),
  shipped: mailKind<Change>('orders.shipped'),
  closed: mailKind<Change>('orders.closed'),
  canceled: mailKind<Change>('orders.canceled'),
  refunded: mailKind<Change>('orders.refunded'),
};
type OrderMail = keyof typeof mails;

/** Which changes customers are told of. */
const MAIL_OF = new Map<EventDefinition<OrderEventData>, OrderMail>([
  [orderEvents.confirmed, 'confirmed'],
  [orderEvents.partially_fulfilled, 'partShipped'],
  [orderEvents.fulfilled, 'shipped'],
  [orderEvents.closed, 'closed'],
  [orderEvents.canceled, 'canceled'],
  [orderEvents.refunded, 'refunded'],
]);
const MAIL_OF_TYPE = new Map([...MAIL_OF].map(([{ type }, mail]) => [type, mail]));

// A parcel and the row of the timeline that notes it have the same time.
const parcelsOfChange = statement(
  'orders.parcels_of_change',
  `SELECT carrier, tracking_number AS "trackingNumber"
     FROM orders.fulfillments f JOIN orders.timeline t ON t.order_id = f.order_id AND t.occurred_at = f.created_at
    WHERE t.order_id = $1 AND t.version = $2`,
);

const wasConfirmed = statement(
  'orders.was_confirmed',
  `SELECT EXISTS (SELECT FROM orders.timeline WHERE order_id = $1 AND cause = 'confirmed') AS confirmed`,
);

/** Tells customers by mail what became of their orders. A mail is asked for once, with its event, and written later. */
@Injectable()
export class OrderMails implements OnModuleInit {
  constructor(
    private readonly bus: EventBus,
    private readonly queue: MailQueue,
    private readonly findOrders: FindOrders,
    private readonly access: OrderAccess,
    private readonly database: Database,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    for (const mail of Object.keys(mails) as OrderMail[]) {
      this.queue.onCompose(mails[mail], (change) => this.compose(mail, change));
    }
    this.bus.consume({
      name: 'orders.mails',
      types: [...MAIL_OF_TYPE.keys()],
      apply: (event) => this.ask(event as IntegrationEvent<OrderEventData>),
    });
  }

  /** Where mails are off, what happens meanwhile is passed over: nobody is told of it later. */
  private async ask({ id, type, sequence, data }: IntegrationEvent<OrderEventData>): Promise<void> {
    const mail = MAIL_OF_TYPE.get(type);
    if (!mail || !this.config.settings.ORDERS_MAILS || !this.queue.isDelivered) return;
    const { orderId, lines = [] } = data;
    await this.queue.enqueue(mails[mail], id, { orderId, version: sequence, lines });
  }

  private async compose(mail: OrderMail, change: Change): Promise<Mail | undefined> {
    const order = await this.findOrders.get(change.orderId);
    // Whose order it was is erased.
    if (isPseudonym(order.email)) return undefined;
    if (mail === 'canceled' && !(await this.isKnownToBuyer(order.id))) return undefined;
    const { subject, paragraphs } = await this.write(mail, order, change);
    const text = `${['Hello,', ...paragraphs, ...this.link(order)].join('\n\n')}\n`;
    return { to: order.email, subject, text };
  }

  /**
   * Whether a mail has told of the order. Of one that was never confirmed nobody has heard but whoever placed it, at
   * an address that is anybody's.
   */
  private async isKnownToBuyer(orderId: string): Promise<boolean> {
    const row = await this.database.queryOne<{ confirmed: boolean }>(wasConfirmed, [orderId]);
    return row?.confirmed === true;
  }

  private async write(mail: OrderMail, order: OrderView, { version, lines }: Change): Promise<Letter> {
    switch (mail) {
      case 'partShipped':
      case 'shipped':
        return orderLetters[mail](
          order,
          lines,
          await this.database.query<ParcelTracking>(parcelsOfChange, [order.id, version]),
        );
      case 'closed':
        return orderLetters.closed(order, lines);
      case 'refunded': {
        const amount = lines.reduce((sum, line) => sum + line.amount, 0);
        return orderLetters.refunded(order, { amount, currency: order.total.currency });
      }
      case 'confirmed':
      case 'canceled':
        return orderLetters[mail](order);
    }
  }

  /** A guest has nothing but the token to open the order with. */
  private link({ id, customerId }: OrderView): string[] {
    const token = customerId === null ? this.access.tokenFor(id) : undefined;
    const link = mailLink(this.config.settings.MAIL_LINKS_URL, `orders/${id}`, token);
    return link === undefined ? [] : [link];
  }
}
