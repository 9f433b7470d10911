import { SqlMigration } from './sql-migration.js';

/** How far the checks of the invariants have come, what they found, and the brake on captures. */
export class Invariants1795000000008 extends SqlMigration {
  protected readonly upSql = `
    CREATE TABLE platform.invariant_checks (
      id            text           PRIMARY KEY,
      -- everything before this, by the time of its change and its id, is checked
      watermark_at  timestamptz(3) NOT NULL DEFAULT '1970-01-01T00:00:00Z',
      watermark_id  uuid           NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
      checked_count bigint         NOT NULL DEFAULT 0,
      -- whether the last run came to the end of the changes
      up_to_date    boolean        NOT NULL DEFAULT false,
      checked_at    timestamptz(3)
    );

    CREATE TABLE platform.invariant_breaches (
      id          uuid           PRIMARY KEY DEFAULT uuidv7(),
      check_id    text           NOT NULL,
      subject     text           NOT NULL,
      details     jsonb          NOT NULL,
      found_at    timestamptz(3) NOT NULL DEFAULT now(),
      looked_at   timestamptz(3) NOT NULL DEFAULT now(),
      -- it was known when a freeze was lifted, and does not freeze again
      excused_at  timestamptz(3),
      resolved_at timestamptz(3)
    );
    CREATE UNIQUE INDEX invariant_breaches_open ON platform.invariant_breaches (check_id, subject)
      WHERE resolved_at IS NULL;

    CREATE TABLE platform.capture_freezes (
      id          uuid           PRIMARY KEY DEFAULT uuidv7(),
      reason      text           NOT NULL,
      frozen_by   text           NOT NULL,
      frozen_at   timestamptz(3) NOT NULL DEFAULT now(),
      lift_reason text,
      lifted_by   text,
      lifted_at   timestamptz(3)
    );
    CREATE UNIQUE INDEX capture_freezes_in_force ON platform.capture_freezes ((true)) WHERE lifted_at IS NULL;

    -- The sum of the ledger up to where its check has come, so that nobody has to add it all up.
    CREATE TABLE payments.ledger_totals (
      account  text   NOT NULL,
      currency text   NOT NULL,
      amount   bigint NOT NULL,
      PRIMARY KEY (account, currency)
    );
    CREATE INDEX payments_changed ON payments.payments (updated_at, id);

    -- What the journal of a product adds up to, up to one of its movements.
    CREATE TABLE catalog.stock_checkpoints (
      product_id       uuid   PRIMARY KEY,
      last_movement_id uuid   NOT NULL,
      on_hand          bigint NOT NULL,
      reserved         bigint NOT NULL,
      -- on hand once more, by the kinds of the movements
      received         bigint NOT NULL
    ) WITH (fillfactor = 70);
    -- What is still held of a product: as many entries as orders are open, however many there have been.
    CREATE INDEX reservations_outstanding ON catalog.reservations (product_id)
      INCLUDE (quantity, shipped, released)
      WHERE status IN ('active', 'committed') AND quantity > shipped + released;

    CREATE INDEX orders_changed ON orders.orders (updated_at, id);
  `;

  protected readonly downSql = `
    DROP INDEX orders.orders_changed;
    DROP INDEX catalog.reservations_outstanding;
    DROP TABLE catalog.stock_checkpoints;
    DROP INDEX payments.payments_changed;
    DROP TABLE payments.ledger_totals;
    DROP TABLE platform.capture_freezes;
    DROP TABLE platform.invariant_breaches;
    DROP TABLE platform.invariant_checks;
  `;
}
