import { SqlMigration } from './sql-migration.js';

/** What of an order will not leave any more, since staff closed its rest. */
export class OrderClosing1795000000012 extends SqlMigration {
  protected readonly upSql = `
    ALTER TABLE orders.orders
      ADD COLUMN closed_at timestamptz(3),
      -- what the pieces were worth that had come back by then
      ADD COLUMN closed_returned_amount bigint,
      ADD CONSTRAINT orders_closed CHECK ((closed_at IS NULL) = (closed_returned_amount IS NULL)) NOT VALID;
    -- Not validated: every row that is there begins at 0, so nothing is to be read while the table is locked.
    ALTER TABLE orders.order_lines
      ADD COLUMN canceled_quantity bigint NOT NULL DEFAULT 0,
      ADD CONSTRAINT order_lines_canceled
        CHECK (canceled_quantity >= 0 AND fulfilled_quantity + canceled_quantity <= quantity) NOT VALID;
  `;

  protected readonly downSql = `
    ALTER TABLE orders.order_lines DROP COLUMN canceled_quantity;
    ALTER TABLE orders.orders DROP COLUMN closed_at, DROP COLUMN closed_returned_amount;
  `;
}
