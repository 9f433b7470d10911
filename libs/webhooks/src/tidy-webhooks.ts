import { Injectable } from '@nestjs/common';
import { Clock } from '#kernel';
import { runAsSystem } from '#platform/context';
import { Database, statement } from '#platform/database';
import { EndpointSecrets } from './endpoints/endpoint-secrets.js';

// Whoever makes an endpoint active again waits for this, or this leaves the endpoint alone: what waits for an endpoint
// that is active is never canceled.
const cancelDeliveries = statement(
  'webhooks.cancel_deliveries',
  `WITH closed AS (
     SELECT e.id FROM webhooks.endpoints e
      WHERE e.status <> 'active'
        AND EXISTS (SELECT FROM webhooks.deliveries WHERE endpoint_id = e.id AND status = 'pending')
        FOR SHARE SKIP LOCKED)
   UPDATE webhooks.deliveries SET status = 'canceled', completed_at = $1
    WHERE status = 'pending' AND (leased_until IS NULL OR leased_until <= $1) AND id IN (
      SELECT d.id FROM closed
       CROSS JOIN LATERAL (SELECT id FROM webhooks.deliveries
                            WHERE endpoint_id = closed.id AND status = 'pending'
                              AND (leased_until IS NULL OR leased_until <= $1) LIMIT $2) d
       LIMIT $2)
   RETURNING 1`,
);
const pruneDeliveries = statement(
  'webhooks.prune_deliveries',
  `DELETE FROM webhooks.deliveries WHERE id IN (
     SELECT id FROM webhooks.deliveries WHERE status <> 'pending' AND completed_at < $1 ORDER BY completed_at LIMIT $2)
   RETURNING 1`,
);
const purgeEndpoints = statement(
  'webhooks.purge_endpoints',
  `DELETE FROM webhooks.endpoints e
    WHERE status = 'deleted' AND NOT EXISTS (SELECT FROM webhooks.deliveries d WHERE d.endpoint_id = e.id)
   RETURNING 1`,
);
const forgetSecrets = statement(
  'webhooks.forget_secrets',
  `UPDATE webhooks.endpoints SET previous_secret = NULL, previous_secret_until = NULL
    WHERE previous_secret_until <= $1`,
);
const readSecrets = statement(
  'webhooks.read_secrets',
  `SELECT id, secret, previous_secret AS "previousSecret" FROM webhooks.endpoints WHERE status <> 'deleted'`,
);
// Only where nobody has rotated it meanwhile.
const renewSecrets = statement(
  'webhooks.renew_secrets',
  `UPDATE webhooks.endpoints SET secret = $3, previous_secret = $5
    WHERE id = $1 AND secret = $2 AND previous_secret IS NOT DISTINCT FROM $4`,
);

interface StoredSecrets {
  readonly id: string;
  readonly secret: Buffer;
  readonly previousSecret: Buffer | null;
}

/**
 * The worker's part: cancels what nobody is to be sent any more, deletes what was delivered or given up long ago, and
 * has secrets sealed with the APP_SECRET that seals now, so that an older one can go.
 */
@Injectable()
export class TidyWebhooks {
  constructor(
    private readonly database: Database,
    private readonly secrets: EndpointSecrets,
    private readonly clock: Clock,
  ) {}

  /**
   * @param olderThanSeconds how long a delivery is kept when it is done
   * @param limit how many deliveries are changed, or deleted, at most
   * @returns how many that were
   */
  async execute(olderThanSeconds: number, limit: number): Promise<number> {
    return runAsSystem('webhooks', async () => {
      const now = this.clock.now();
      const end = new Date(now.getTime() - olderThanSeconds * 1_000);
      const canceled = await this.database.query(cancelDeliveries, [now, limit]);
      const pruned = await this.database.query(pruneDeliveries, [end, limit]);
      await this.database.query(purgeEndpoints);
      await this.database.query(forgetSecrets, [now]);
      for (const stored of await this.database.query<StoredSecrets>(readSecrets)) await this.renew(stored);
      return canceled.length + pruned.length;
    });
  }

  private async renew({ id, secret, previousSecret }: StoredSecrets): Promise<void> {
    const newer = this.secrets.renew(secret, id);
    const newerPrevious = previousSecret && this.secrets.renew(previousSecret, id);
    if (!newer && !newerPrevious) return;
    const values = [id, secret, newer ?? secret, previousSecret, newerPrevious ?? previousSecret];
    await this.database.query(renewSecrets, values);
  }
}
