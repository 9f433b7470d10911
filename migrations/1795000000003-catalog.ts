import { SqlMigration } from './sql-migration.js';

/** Products, their stock, reservations of it, and the journal of its movements. */
export class Catalog1795000000003 extends SqlMigration {
  protected readonly upSql = `
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE SCHEMA catalog;

    CREATE TABLE catalog.products (
      id           uuid        PRIMARY KEY,
      sku          text        NOT NULL,
      name         text        NOT NULL,
      description  text,
      price_amount bigint      NOT NULL CHECK (price_amount >= 0),
      currency     text        NOT NULL,
      active       boolean     NOT NULL DEFAULT true,
      version      integer     NOT NULL DEFAULT 1,
      created_at   timestamptz(3) NOT NULL DEFAULT now(),
      updated_at   timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT products_sku UNIQUE (sku)
    );
    CREATE INDEX products_newest ON catalog.products (created_at DESC, id DESC);
    CREATE INDEX products_search ON catalog.products USING gin ((lower(sku) || ' ' || lower(name)) gin_trgm_ops);

    CREATE TABLE catalog.stock_levels (
      product_id uuid    PRIMARY KEY REFERENCES catalog.products (id),
      on_hand    bigint  NOT NULL DEFAULT 0,
      reserved   bigint  NOT NULL DEFAULT 0,
      -- counts the changes of availability that were published
      version    integer NOT NULL DEFAULT 0,
      CONSTRAINT stock_levels_never_oversold CHECK (reserved >= 0 AND reserved <= on_hand)
    );

    -- One row per order and product: an order's lines are aggregated before they reserve.
    CREATE TABLE catalog.reservations (
      order_id    uuid        NOT NULL,
      product_id  uuid        NOT NULL REFERENCES catalog.products (id),
      quantity    bigint      NOT NULL CHECK (quantity > 0),
      -- how much of it has left the house, or was released, piece by piece
      shipped     bigint      NOT NULL DEFAULT 0,
      released    bigint      NOT NULL DEFAULT 0,
      status      text        NOT NULL CHECK (status IN ('active', 'committed', 'released', 'expired')),
      created_at  timestamptz(3) NOT NULL DEFAULT now(),
      resolved_at timestamptz(3),
      PRIMARY KEY (order_id, product_id),
      CONSTRAINT reservations_quantities CHECK (shipped >= 0 AND released >= 0 AND shipped + released <= quantity)
    );
    CREATE INDEX reservations_product_id ON catalog.reservations (product_id) WHERE status IN ('active', 'committed');

    CREATE TABLE catalog.stock_movements (
      id             uuid        PRIMARY KEY,
      product_id     uuid        NOT NULL REFERENCES catalog.products (id),
      kind           text        NOT NULL CHECK (kind IN ('receive', 'reserve', 'release', 'commit', 'ship', 'return', 'adjust')),
      quantity       bigint      NOT NULL,
      on_hand_delta  bigint      NOT NULL,
      reserved_delta bigint      NOT NULL,
      order_id       uuid,
      reason         text,
      actor          text        NOT NULL,
      request_id     text        NOT NULL,
      occurred_at    timestamptz(3) NOT NULL DEFAULT now()
    );
    CREATE INDEX stock_movements_product ON catalog.stock_movements (product_id, occurred_at DESC, id DESC);
  `;

  protected readonly downSql = 'DROP SCHEMA catalog CASCADE;';
}
