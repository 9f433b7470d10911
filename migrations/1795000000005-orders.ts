import { SqlMigration } from './sql-migration.js';

/** Orders, their lines, their timeline, and what was sent out of them. */
export class Orders1795000000005 extends SqlMigration {
  protected readonly upSql = `
    CREATE SCHEMA orders;

    CREATE SEQUENCE orders.order_numbers START 100001;

    CREATE TABLE orders.orders (
      id               uuid        PRIMARY KEY,
      number           text        NOT NULL,
      status           text        NOT NULL CHECK (status IN ('pending_payment', 'confirmed', 'cancel_pending', 'canceled',
                                     'expired', 'partially_fulfilled', 'fulfilled', 'completed')),
      -- null for a guest
      customer_id      uuid,
      email            text        NOT NULL,
      currency         text        NOT NULL,
      subtotal_amount  bigint      NOT NULL,
      shipping_amount  bigint      NOT NULL,
      tax_amount       bigint      NOT NULL,
      total_amount     bigint      NOT NULL,
      payment_id       uuid        NOT NULL,
      payment_status   text        NOT NULL,
      payment_outcome  text,
      decline_code     text,
      shipping_address jsonb,
      metadata         jsonb       NOT NULL,
      version          integer     NOT NULL,
      placed_at        timestamptz(3) NOT NULL,
      updated_at       timestamptz(3) NOT NULL,
      -- when an unpaid order gives its stock back
      expires_at       timestamptz(3) NOT NULL,
      CONSTRAINT orders_number UNIQUE (number),
      CONSTRAINT orders_total CHECK (total_amount = subtotal_amount + shipping_amount + tax_amount)
    );
    CREATE INDEX orders_newest ON orders.orders (placed_at DESC, id DESC);
    CREATE INDEX orders_by_customer ON orders.orders (customer_id, placed_at DESC, id DESC) WHERE customer_id IS NOT NULL;
    CREATE INDEX orders_by_status ON orders.orders (status, placed_at DESC, id DESC);
    CREATE INDEX orders_unpaid ON orders.orders (expires_at) WHERE status = 'pending_payment';

    CREATE TABLE orders.order_lines (
      id                 uuid    PRIMARY KEY,
      order_id           uuid    NOT NULL REFERENCES orders.orders (id),
      position           integer NOT NULL,
      product_id         uuid    NOT NULL,
      sku                text    NOT NULL,
      name               text    NOT NULL,
      quantity           bigint  NOT NULL CHECK (quantity > 0),
      unit_price_amount  bigint  NOT NULL CHECK (unit_price_amount >= 0),
      total_amount       bigint  NOT NULL,
      -- the line's total with its share of shipping and tax: what can be refunded for it
      allocated_amount   bigint  NOT NULL,
      fulfilled_quantity bigint  NOT NULL DEFAULT 0,
      refunded_amount    bigint  NOT NULL DEFAULT 0,
      CONSTRAINT order_lines_position UNIQUE (order_id, position),
      CONSTRAINT order_lines_fulfilled CHECK (fulfilled_quantity BETWEEN 0 AND quantity)
    );

    CREATE TABLE orders.timeline (
      order_id    uuid        NOT NULL REFERENCES orders.orders (id),
      version     integer     NOT NULL,
      from_status text,
      to_status   text        NOT NULL,
      cause       text        NOT NULL,
      reason      text,
      actor       text        NOT NULL,
      request_id  text        NOT NULL,
      occurred_at timestamptz(3) NOT NULL,
      PRIMARY KEY (order_id, version)
    );

    CREATE TABLE orders.fulfillments (
      id              uuid        PRIMARY KEY,
      order_id        uuid        NOT NULL REFERENCES orders.orders (id),
      -- [{ lineId, quantity }]
      lines           jsonb       NOT NULL,
      tracking_number text,
      carrier         text,
      created_at      timestamptz(3) NOT NULL
    );
    CREATE INDEX fulfillments_order_id ON orders.fulfillments (order_id, created_at);
  `;

  protected readonly downSql = 'DROP SCHEMA orders CASCADE;';
}
