import { SqlMigration } from './sql-migration.js';

/** Products, their stock, reservations of it, and the journal of its movements. */
export class Catalog1795000000003 extends SqlMigration {
  protected readonly upSql = `
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE SCHEMA catalog;

    CREATE TABLE catalog.products (
      id           uuid           PRIMARY KEY,
      sku          text           NOT NULL,
      name         text           NOT NULL,
      description  text,
      price_amount bigint         NOT NULL CHECK (price_amount >= 0),
      currency     text           NOT NULL,
      active       boolean        NOT NULL DEFAULT true,
      version      integer        NOT NULL DEFAULT 1,
      -- milliseconds, as in cursors, which must name a row's place exactly
      created_at   timestamptz(3) NOT NULL,
      updated_at   timestamptz(3) NOT NULL,
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
      CONSTRAINT stock_levels_never_oversold CHECK (reserved >= 0 AND reserved <= on_hand),
      CONSTRAINT stock_levels_bounded CHECK (on_hand <= 1000000000000)
    ) WITH (fillfactor = 70);

    -- Reservations and movements are only ever written from a locked row of stock_levels, and no product is ever
    -- deleted. A foreign key would check that again for each line of each order, and have all buyers of a product
    -- share a lock on its row.

    -- One row per order and product: an order's lines are aggregated before they reserve.
    CREATE TABLE catalog.reservations (
      order_id    uuid        NOT NULL,
      product_id  uuid        NOT NULL,
      quantity    bigint      NOT NULL CHECK (quantity > 0),
      -- how much of it has left the house, and how much was given back
      shipped     bigint      NOT NULL DEFAULT 0,
      released    bigint      NOT NULL DEFAULT 0,
      status      text        NOT NULL CHECK (status IN ('active', 'committed', 'released', 'expired')),
      created_at  timestamptz NOT NULL DEFAULT now(),
      resolved_at timestamptz,
      PRIMARY KEY (order_id, product_id),
      CONSTRAINT reservations_quantities CHECK (shipped >= 0 AND released >= 0 AND shipped + released <= quantity)
    ) WITH (fillfactor = 70);

    CREATE TABLE catalog.stock_movements (
      -- drawn while the level is locked, so that the order of the ids is the order of the movements
      id             uuid        PRIMARY KEY DEFAULT uuidv7(),
      product_id     uuid        NOT NULL,
      kind           text        NOT NULL CHECK (kind IN ('receive', 'reserve', 'release', 'commit', 'ship', 'return', 'adjust')),
      quantity       bigint      NOT NULL,
      on_hand_delta  bigint      NOT NULL,
      reserved_delta bigint      NOT NULL,
      order_id       uuid,
      reason         text,
      actor          text        NOT NULL,
      request_id     text        NOT NULL,
      occurred_at    timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE INDEX stock_movements_product ON catalog.stock_movements (product_id, id DESC);

    -- Rows of an import on their way, between the reading of the file and the one transaction that applies it. They
    -- need not survive a crash: the import has not been answered then.
    CREATE UNLOGGED TABLE catalog.import_rows (
      import_id    uuid        NOT NULL,
      sku          text        NOT NULL,
      name         text        NOT NULL,
      description  text,
      price_amount bigint      NOT NULL,
      currency     text        NOT NULL,
      active       boolean     NOT NULL,
      staged_at    timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (import_id, sku)
    );
  `;

  protected readonly downSql = 'DROP SCHEMA catalog CASCADE;';
}
