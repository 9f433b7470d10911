import { CatalogFacade } from '#catalog';
import { newId, type Role } from '#kernel';
import { runAsSystem } from '#platform/context';
import { Database } from '#platform/database';
import { AccessTokens } from '#platform/security';
import { Client } from 'pg';
import { type Answer, TestApp } from './test-app.js';

export const PRODUCTS = '/api/v1/products';

/** An answer whose body a test reads as `Body`. */
export type AnswerOf<Body> = Omit<Answer, 'body'> & { readonly body: Body };

/** What a test reads of a product's view. */
export interface ProductBody {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly price: { readonly amount: number; readonly currency: string };
  readonly availability: string;
  readonly version: number;
}

/** The errors of a refused request as [pointer, code]. */
export function faults({ body }: Answer): [string, string][] {
  const { errors } = body as { errors?: { pointer: string; code: string }[] };
  return (errors ?? []).map(({ pointer, code }) => [pointer, code]);
}

/** The products of a page. */
export function productsOf({ body }: Answer): ProductBody[] {
  return (body as { data: ProductBody[] }).data;
}

/** A running API with what tests of the catalog need at hand. */
export class CatalogFixture {
  private constructor(
    readonly app: TestApp,
    readonly sql: Client,
    readonly staff: string,
    readonly customer: string,
  ) {}

  static async start(): Promise<CatalogFixture> {
    const app = await TestApp.start();
    const sql = new Client({ connectionString: app.database.url });
    await sql.connect();
    const tokens = app.app.get(AccessTokens);
    const issue = (role: Role) =>
      tokens.issue({ userId: newId(), role, sessionId: newId(), aal: 1, amr: ['pwd'] });
    return new CatalogFixture(app, sql, await issue('staff'), await issue('customer'));
  }

  async stop(): Promise<void> {
    await this.sql.end();
    await this.app.stop();
  }

  get facade(): CatalogFacade {
    return this.app.app.get(CatalogFacade);
  }

  get database(): Database {
    return this.app.app.get(Database);
  }

  /** Runs `fn` as orders runs what it does with stock: in one transaction. */
  transaction<T>(fn: () => Promise<T>): Promise<T> {
    return runAsSystem('test', () => this.database.transaction(fn));
  }

  /** The body of a new product with a SKU of its own; a test names what matters to it. */
  product(overrides: object = {}) {
    return {
      sku: `SKU-${newId()}`,
      name: 'Stoneware mug',
      price: { amount: 1250, currency: 'GBP' },
      ...overrides,
    };
  }

  async createProduct(overrides: object = {}): Promise<AnswerOf<ProductBody>> {
    const answer: AnswerOf<ProductBody> = await this.app.post(PRODUCTS, this.product(overrides), {
      token: this.staff,
    });
    expect(answer).toMatchObject({ status: 201 });
    return answer;
  }

  /** A new product with so many pieces on hand; its id. */
  async stocked(quantity: number, overrides: object = {}): Promise<string> {
    const { id } = (await this.createProduct(overrides)).body;
    if (quantity > 0)
      expect(await this.move(id, { kind: 'receive', quantity })).toMatchObject({ status: 201 });
    return id;
  }

  move(productId: string, body: unknown, key: string = newId()): Promise<Answer> {
    return this.app.post(`${PRODUCTS}/${productId}/stock-movements`, body, {
      token: this.staff,
      headers: { 'idempotency-key': key },
    });
  }

  async stock(productId: string): Promise<{ onHand: number; reserved: number; available: number }> {
    const { body }: AnswerOf<{ onHand: number; reserved: number; available: number }> = await this.app.get(
      `${PRODUCTS}/${productId}/stock`,
      { token: this.staff },
    );
    const { onHand, reserved, available } = body;
    return { onHand, reserved, available };
  }

  /** Sequence, type and data of what was published about one aggregate, in order. */
  async events(aggregate: 'product' | 'stock', id: string) {
    const { rows } = await this.sql.query<{ sequence: string; type: string; data: object }>(
      'SELECT sequence, type, data FROM platform.outbox WHERE aggregate = $1 AND aggregate_id = $2 ORDER BY position',
      [aggregate, id],
    );
    return rows.map(({ sequence, ...event }) => ({ ...event, sequence: Number(sequence) }));
  }

  /** How often each named statement ran during `fn`, but for the one that wakes others, which runs when it likes. */
  async statementsDuring(fn: () => Promise<unknown>): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    let counting = true;
    this.database.onQuery(({ name }) => {
      if (counting && name !== 'database.notify') counts[name] = (counts[name] ?? 0) + 1;
    });
    await fn();
    counting = false;
    return counts;
  }

  async count(table: string, where = 'true'): Promise<number> {
    const { rows } = await this.sql.query<{ count: string }>(`SELECT count(*) FROM ${table} WHERE ${where}`);
    return Number(rows[0]?.count);
  }
}
