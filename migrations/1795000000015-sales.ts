import { SqlMigration } from './sql-migration.js';

/** What was sold, counted from events, and which products staff were alerted of. */
export class Sales1795000000015 extends SqlMigration {
  protected readonly upSql = `
    CREATE SCHEMA sales;

    -- what one event adds to the figures of a product, amounts in minor units
    CREATE TABLE sales.movements (
      generation        bigint  NOT NULL,
      event_id          uuid    NOT NULL,
      -- UTC
      day               date    NOT NULL,
      product_id        uuid    NOT NULL,
      currency          text    NOT NULL,
      orders            integer NOT NULL,
      sold_quantity     bigint  NOT NULL,
      sold_amount       bigint  NOT NULL,
      canceled_quantity bigint  NOT NULL,
      canceled_amount   bigint  NOT NULL,
      returned_quantity bigint  NOT NULL,
      refunded_amount   bigint  NOT NULL,
      PRIMARY KEY (generation, event_id, product_id)
    );
    CREATE INDEX movements_by_day ON sales.movements (generation, day, product_id, currency);
    CREATE INDEX movements_by_product ON sales.movements (generation, product_id, day, currency);

    -- the generation that is shown; a rebuild counts a new one beside it
    CREATE SEQUENCE sales.generation_numbers AS bigint;
    CREATE TABLE sales.current (
      is_only    boolean PRIMARY KEY DEFAULT true CHECK (is_only),
      generation bigint  NOT NULL
    );
    INSERT INTO sales.current (generation) VALUES (nextval('sales.generation_numbers'));

    -- the last UTC day on which staff were told that a product runs out
    CREATE TABLE catalog.low_stock_alerts (
      product_id uuid PRIMARY KEY REFERENCES catalog.products (id),
      alerted_on date NOT NULL
    );
  `;

  protected readonly downSql = `
    DROP TABLE catalog.low_stock_alerts;
    DROP SCHEMA sales CASCADE;
  `;
}
