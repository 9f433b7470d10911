import { SqlMigration } from './sql-migration.js';

/** What came back of an order, and the way of the timer to the orders that it completes. */
export class OrderReturns1795000000007 extends SqlMigration {
  protected readonly upSql = `
    -- Not validated: every row that is there begins at 0, so nothing is to be read while the table is locked.
    ALTER TABLE orders.order_lines
      ADD COLUMN returned_quantity bigint NOT NULL DEFAULT 0,
      ADD CONSTRAINT order_lines_returned CHECK (returned_quantity BETWEEN 0 AND fulfilled_quantity) NOT VALID;

    CREATE TABLE orders.returns (
      id         uuid           PRIMARY KEY,
      order_id   uuid           NOT NULL REFERENCES orders.orders (id),
      -- [{ lineId, quantity, restock }]
      lines      jsonb          NOT NULL,
      reason     text,
      created_at timestamptz(3) NOT NULL
    );
    CREATE INDEX returns_order_id ON orders.returns (order_id, created_at);

    CREATE INDEX orders_to_complete ON orders.orders (updated_at)
      WHERE status = 'fulfilled' AND payment_status = 'captured';
  `;

  protected readonly downSql = `
    DROP INDEX orders.orders_to_complete;
    DROP TABLE orders.returns;
    ALTER TABLE orders.order_lines DROP COLUMN returned_quantity;
  `;
}
