import { SqlMigration } from './sql-migration.js';

/** What has failed is found among hundreds of thousands that have not. */
export class WebhookDeliveriesByStatus1795000000024 extends SqlMigration {
  protected readonly upSql = `
    CREATE INDEX deliveries_by_status ON webhooks.deliveries (endpoint_id, status, created_at DESC, id DESC);
  `;

  protected readonly downSql = 'DROP INDEX webhooks.deliveries_by_status;';
}
