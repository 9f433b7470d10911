import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database, statement } from '#platform/database';
import { staffNotice, StaffNotices } from '#platform/mail';
import { EventBus, type IntegrationEvent } from '#platform/messaging';
import { Metrics } from '#platform/telemetry';
import { PinoLogger } from 'nestjs-pino';
import { type AvailabilityChangeData, stockAvailabilityChanged } from '../catalog.events.js';
import { AVAILABILITIES, availabilityOf } from '../domain/availability.js';

const lowStock = staffNotice<{ productId: string }>('catalog.low_stock', 'LOW_STOCK_ALERT_EMAIL');

// Nothing comes back when an alert went out on this day, or on a later one.
const claimDay = statement(
  'catalog.claim_low_stock_alert',
  `INSERT INTO catalog.low_stock_alerts AS alert (product_id, alerted_on) VALUES ($1, $2)
   ON CONFLICT (product_id) DO UPDATE SET alerted_on = excluded.alerted_on
     WHERE alert.alerted_on < excluded.alerted_on
   RETURNING product_id`,
);
const releaseDay = statement(
  'catalog.release_low_stock_alert',
  'DELETE FROM catalog.low_stock_alerts WHERE product_id = $1',
);
const stockOfProduct = statement(
  'catalog.stock_to_alert_of',
  `SELECT p.sku, p.name, s.on_hand - s.reserved AS available
     FROM catalog.products p JOIN catalog.stock_levels s ON s.product_id = p.id WHERE p.id = $1`,
);

interface ProductStock {
  readonly sku: string;
  readonly name: string;
  readonly available: number;
}

/** Tells staff of products that run out: a count and a line of the log each time, a mail once per product and UTC day. */
@Injectable()
export class LowStockAlerts implements OnModuleInit {
  constructor(
    private readonly bus: EventBus,
    private readonly notices: StaffNotices,
    private readonly database: Database,
    private readonly metrics: Metrics,
    private readonly logger: PinoLogger,
  ) {
    logger.setContext(LowStockAlerts.name);
  }

  onModuleInit(): void {
    this.notices.onWrite(lowStock, ({ productId }) => this.write(productId));
    this.bus.consume({
      name: 'catalog.low-stock',
      types: [stockAvailabilityChanged.type],
      apply: (event) => this.hear(event as IntegrationEvent<AvailabilityChangeData>),
    });
  }

  private async hear({ data, occurredAt }: IntegrationEvent<AvailabilityChangeData>): Promise<void> {
    const { productId, previous, current } = data;
    const isLess = AVAILABILITIES.indexOf(current) < AVAILABILITIES.indexOf(previous);
    if (!isLess) return;
    const day = occurredAt.toISOString().slice(0, 10);
    await this.notices.ask(lowStock, productId, { productId }, () => this.claim(productId, day));
    // A transaction that has to begin anew tells of it once.
    this.database.afterCommit(() => {
      this.metrics.countStockAlert(current);
      this.logger.warn({ product_id: productId, availability: current }, 'A product runs out');
    });
  }

  private async claim(productId: string, day: string): Promise<boolean> {
    return (await this.database.queryOne(claimDay, [productId, day])) !== undefined;
  }

  /** Says what is so when it leaves. A product that is back by then is told of when it runs out the next time. */
  private async write(productId: string): Promise<{ subject: string; text: string } | undefined> {
    const product = await this.database.queryOne<ProductStock>(stockOfProduct, [productId]);
    if (!product) return undefined;
    const { sku, name, available } = product;
    const availability = availabilityOf(available);
    if (availability === 'in_stock') {
      await this.database.query(releaseDay, [productId]);
      return undefined;
    }
    return {
      subject: availability === 'out_of_stock' ? `Sold out: ${sku}` : `Low on stock: ${sku}`,
      text: `${name} (${sku})\n\nAvailable pieces: ${available}\n\nThere is one such mail per product and day at most.\n`,
    };
  }
}
