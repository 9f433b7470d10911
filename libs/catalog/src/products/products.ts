import { Injectable } from '@nestjs/common';
import { type Actor, Clock, DomainError, newId } from '#kernel';
import { currentContext } from '#platform/context';
import { Database, isUniqueViolation } from '#platform/database';
import { type ExpectedVersions, type Page, Paginator, requireVersion } from '#platform/http';
import { EventBus } from '#platform/messaging';
import { AccessPolicy } from '#platform/security';
import { productCreated, productUpdated } from '../catalog.events.js';
import { availabilityOf } from '../domain/availability.js';
import { catalogErrors } from '../domain/catalog.errors.js';
import { ProductCache, type TaggedProduct } from './product-cache.js';
import { productEvent } from './product-event.js';
import * as statements from './product-statements.js';
import type { ProductRow } from './product-statements.js';
import type { ListProductsQuery, ProductChange, ProductText, ProductView } from './product.schema.js';

/** Sorts after every product, so that the first page needs no statement of its own. */
const BEFORE_THE_NEWEST = ['infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff'] as const;

/** The text and price of products. Shoppers see the active ones, staff and keys see all. */
@Injectable()
export class Products {
  constructor(
    private readonly database: Database,
    private readonly paginator: Paginator,
    private readonly cache: ProductCache,
    private readonly bus: EventBus,
    private readonly clock: Clock,
    private readonly policy: AccessPolicy,
  ) {}

  /** @throws DomainError invalid_cursor */
  async list(query: ListProductsQuery, actor: Actor): Promise<Page<ProductView>> {
    const { q = '', sku, active } = query;
    const activities = [true, false].filter(
      (value) => (active ?? value) === value && (value || this.seesInactive(actor)),
    );
    const page = await this.paginator.page<ProductRow>(
      'catalog.products',
      { q, sku, activities },
      query,
      ({ createdAt, id }) => [createdAt.toISOString(), id],
      (after = BEFORE_THE_NEWEST, limit) => {
        const values = [activities, ...after, limit];
        if (sku !== undefined) {
          return this.database.query(statements.listProductsBySku, [...values, containing(q), sku]);
        }
        if (q !== '') return this.database.query(statements.listProductsBySearch, [...values, containing(q)]);
        return this.database.query(statements.listProducts, values);
      },
    );
    return { ...page, data: page.data.map(toView) };
  }

  /** @throws DomainError product_not_found, also for a product that this actor does not see */
  async get(id: string, actor: Actor): Promise<TaggedProduct> {
    const product = await this.cache.get(id, async () => {
      const row = await this.database.queryOne<ProductRow>(statements.readProduct, [id]);
      return row && toTagged(row);
    });
    if (!product || !(product.view.active || this.seesInactive(actor))) {
      throw new DomainError(catalogErrors.product_not_found);
    }
    return product;
  }

  /** @throws DomainError product_exists, sku_taken */
  async create({ id = newId(), ...text }: ProductText & { id?: string | undefined }): Promise<TaggedProduct> {
    return this.database.transaction(async () => {
      const values = [id, ...textValues(text), this.clock.now()];
      const row = await this.write(statements.insertProduct, values, text.sku);
      await this.bus.publish(productCreated, productEvent(row));
      currentContext().subjectId = id;
      return toTagged(row);
    });
  }

  /**
   * Changes the given fields of the version that the caller has seen. A change to what is already so is none.
   *
   * @throws DomainError product_not_found, stale_etag, sku_taken
   */
  async update(id: string, expected: ExpectedVersions, change: ProductChange): Promise<TaggedProduct> {
    return this.database.transaction(async () => {
      const before = await this.database.queryOne<ProductRow>(statements.lockProduct, [id]);
      if (!before) throw new DomainError(catalogErrors.product_not_found);
      requireVersion(expected, before.version);
      const text = { ...textOf(before), ...change };
      const values = textValues(text);
      if (textValues(textOf(before)).every((value, index) => value === values[index]))
        return toTagged(before);
      const row = await this.write(statements.updateProduct, [id, ...values, this.clock.now()], text.sku);
      await this.bus.publish(productUpdated, productEvent(row));
      return toTagged(row);
    });
  }

  private seesInactive(actor: Actor): boolean {
    return this.policy.reachesAll(actor, 'catalog:read');
  }

  private async write(
    statement: typeof statements.insertProduct,
    values: readonly unknown[],
    sku: string,
  ): Promise<ProductRow> {
    try {
      const row = await this.database.queryOne<ProductRow>(statement, values);
      if (!row) throw new Error('A written product was not returned.');
      return row;
    } catch (error) {
      if (isUniqueViolation(error, 'products_pkey')) {
        throw new DomainError(catalogErrors.product_exists, { cause: error });
      }
      if (isUniqueViolation(error, 'products_sku')) {
        const detail = `Another product has the SKU ${sku}.`;
        throw new DomainError(catalogErrors.sku_taken, { detail, cause: error });
      }
      throw error;
    }
  }
}

/** A LIKE pattern that finds `text` as it is written. */
function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}

function textOf({ sku, name, description, priceAmount, currency, active }: ProductRow): ProductText {
  return { sku, name, description, price: { amount: priceAmount, currency }, active };
}

/** In the order of the columns of the statements that write. */
function textValues({ sku, name, description, price, active }: ProductText) {
  return [sku, name, description, price.amount, price.currency, active];
}

/**
 * The tag names the product's version and, since the availability changes without one, the number of its changes.
 * `If-Match` compares the version alone.
 */
function toTagged(row: ProductRow): TaggedProduct {
  return { view: toView(row), etag: `"${row.version}.${row.availabilityVersion}"` };
}

function toView(row: ProductRow): ProductView {
  return {
    id: row.id,
    ...textOf(row),
    availability: availabilityOf(row.available),
    version: row.version,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}
