import { Injectable } from '@nestjs/common';
import { minorUnitExponent, type Currency } from '#kernel';
import { Config } from '#platform/config';
import { runAsSystem } from '#platform/context';
import { Database, statement } from '#platform/database';
import { RecordStockMovement } from './application/record-stock-movement.js';
import { Products } from './products/products.js';

interface DemoProduct {
  readonly sku: string;
  readonly name: string;
  readonly description: string;
  /** In hundredths of a nominal unit; `priceMinor` turns it into what the currency counts in. */
  readonly priceHundredths: number;
  readonly pieces: number;
}

/** A small shop for kitchen and table: plenty of most things, little of some, none of one. */
const DEMO_PRODUCTS: readonly DemoProduct[] = [
  demo('DEMO-MUG', 'Stoneware mug, 350 ml', 'Thrown by hand, glazed inside and out.', 1250, 240),
  demo('DEMO-BOWL', 'Stoneware bowl, 16 cm', 'For soup, porridge or a small salad.', 1650, 180),
  demo('DEMO-PLATE', 'Stoneware plate, 26 cm', 'Stacks well, survives the dishwasher.', 1950, 150),
  demo('DEMO-TEAPOT', 'Teapot with infuser, 1.1 l', 'Glass pot with a removable steel basket.', 3400, 60),
  demo('DEMO-KETTLE', 'Enamel kettle, 2 l', 'Works on gas, electric and induction.', 4200, 4),
  demo('DEMO-TEA-EARL', 'Earl Grey, loose leaf, 250 g', 'Black tea with oil of bergamot.', 980, 500),
  demo('DEMO-COFFEE', 'Espresso beans, 1 kg', 'A dark roast from two farms in Huila.', 2350, 320),
  demo('DEMO-KNIFE', "Chef's knife, 20 cm", 'Forged steel, balanced at the bolster.', 7900, 25),
  demo('DEMO-BOARD', 'Oak chopping board', 'End grain, oiled, 40 by 30 cm.', 4800, 40),
  demo('DEMO-APRON', 'Linen apron', 'Washed linen with one wide pocket.', 3900, 75),
  demo('DEMO-CANDLE', 'Beeswax candle, pair', 'Burns for about eight hours.', 1150, 3),
  demo('DEMO-VASE', 'Recycled glass vase', 'Each one is a little different.', 2800, 0),
];

/** Any key does, as long as every process that starts takes the same one. */
const DEMO_LOCK = ['demo', 'catalog'] as const;

const findSkus = statement(
  'catalog.find_skus',
  'SELECT sku FROM catalog.products WHERE sku = ANY($1::text[])',
);

/** Something to look at and to sell on a first start. */
@Injectable()
export class DemoCatalog {
  constructor(
    private readonly database: Database,
    private readonly config: Config,
    private readonly products: Products,
    private readonly recordMovement: RecordStockMovement,
  ) {}

  /**
   * Creates the demo products that are missing, with their first stock. Those that exist stay as they are.
   *
   * @throws Error in production
   */
  async ensure(): Promise<void> {
    if (this.config.isProduction) throw new Error('The demo catalog is not for production.');
    await runAsSystem('demo', () =>
      this.database.transaction(async () => {
        await this.database.lock(...DEMO_LOCK);
        const skus = DEMO_PRODUCTS.map(({ sku }) => sku);
        const found = await this.database.query<{ sku: string }>(findSkus, [skus]);
        const existing = new Set(found.map(({ sku }) => sku));
        for (const product of DEMO_PRODUCTS) {
          if (!existing.has(product.sku)) await this.create(product);
        }
      }),
    );
  }

  private async create({ sku, name, description, priceHundredths, pieces }: DemoProduct): Promise<void> {
    const currency = this.config.settings.DEFAULT_CURRENCY;
    const price = { amount: priceMinor(priceHundredths, currency), currency };
    const { view } = await this.products.create({ sku, name, description, price, active: true });
    if (pieces > 0) await this.recordMovement.execute(view.id, { kind: 'receive', quantity: pieces });
  }
}

function demo(
  sku: string,
  name: string,
  description: string,
  priceHundredths: number,
  pieces: number,
): DemoProduct {
  return { sku, name, description, priceHundredths, pieces };
}

/** The digits stay the same where a unit has no hundredths: 12.50 pounds, 12.500 dinars, 1250 yen. */
function priceMinor(priceHundredths: number, currency: Currency): number {
  return priceHundredths * 10 ** Math.max(0, minorUnitExponent(currency) - 2);
}
