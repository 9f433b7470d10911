import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { Database, statement } from '#platform/database';
import { type Page, type PageRequest, Paginator } from '#platform/http';
import { DeliveryQueue } from './delivery-queue.js';
import { WebhookEndpoints } from '../endpoints/endpoints.js';
import { webhooksErrors } from '../webhooks.errors.js';

export const DELIVERY_STATUSES = ['pending', 'succeeded', 'failed', 'canceled'] as const;
type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** Shown of each delivery: somebody who retries by hand may make any number. */
const MAX_SHOWN_ATTEMPTS = 20;

const COLUMNS = `d.id, d.endpoint_id AS "endpointId", d.event_id AS "eventId", d.event_type AS "eventType", d.status,
       d.attempts AS "attemptCount", d.next_attempt_at AS "nextAttemptAt", d.created_at AS "createdAt",
       d.completed_at AS "completedAt",
       (SELECT coalesce(json_agg(a ORDER BY a.number), '[]') FROM (
          SELECT number, attempted_at AS "attemptedAt", duration_ms AS "durationMs", status_code AS "statusCode",
                 failure, response
            FROM webhooks.attempts WHERE delivery_id = d.id ORDER BY number DESC LIMIT ${MAX_SHOWN_ATTEMPTS}) a) AS attempts`;

const listDeliveries = statement(
  'webhooks.list_deliveries',
  `SELECT ${COLUMNS} FROM webhooks.deliveries d
    WHERE d.endpoint_id = $1 AND ($2::text IS NULL OR d.status = $2) AND ($3::text IS NULL OR d.event_type = $3)
      AND ($4::uuid IS NULL OR d.event_id = $4)
      AND ($5::timestamptz IS NULL OR (d.created_at, d.id) < ($5, $6::uuid))
    ORDER BY d.created_at DESC, d.id DESC LIMIT $7`,
);
const readDelivery = statement(
  'webhooks.read_delivery',
  `SELECT ${COLUMNS} FROM webhooks.deliveries d WHERE d.id = $1`,
);
const readWithEvent = statement(
  'webhooks.read_delivery_with_event',
  `SELECT ${COLUMNS}, d.event FROM webhooks.deliveries d JOIN webhooks.endpoints e ON e.id = d.endpoint_id
    WHERE d.id = $1 AND e.status <> 'deleted'`,
);
const readEndpointStatus = statement(
  'webhooks.read_endpoint_of_delivery',
  `SELECT e.status FROM webhooks.deliveries d JOIN webhooks.endpoints e ON e.id = d.endpoint_id WHERE d.id = $1`,
);
/** An event on its way to an endpoint. */
export interface Delivery {
  readonly id: string;
  readonly endpointId: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly status: DeliveryStatus;
  readonly attemptCount: number;
  readonly nextAttemptAt: Date;
  readonly createdAt: Date;
  readonly completedAt: Date | null;
  /** As PostgreSQL writes them into JSON, the oldest first. */
  readonly attempts: readonly {
    readonly number: number;
    readonly attemptedAt: string;
    readonly durationMs: number;
    readonly statusCode: number | null;
    readonly failure: string | null;
    readonly response: string | null;
  }[];
}

export interface DeliveryFilters {
  readonly status?: DeliveryStatus | undefined;
  readonly eventType?: string | undefined;
  readonly eventId?: string | undefined;
}

/** What was sent to endpoints and what came of it, for people to look into. */
@Injectable()
export class WebhookDeliveries {
  constructor(
    private readonly database: Database,
    private readonly endpoints: WebhookEndpoints,
    private readonly paginator: Paginator,
    private readonly queue: DeliveryQueue,
  ) {}

  /**
   * What was sent to one endpoint, newest first.
   *
   * @throws DomainError webhook_endpoint_not_found, invalid_cursor
   */
  async list(endpointId: string, filters: DeliveryFilters, request: PageRequest): Promise<Page<Delivery>> {
    await this.endpoints.get(endpointId);
    const { status = null, eventType = null, eventId = null } = filters;
    return this.paginator.page<Delivery>(
      'webhook_deliveries',
      { endpointId, status, eventType, eventId },
      request,
      ({ createdAt, id }) => [createdAt.toISOString(), id],
      (after, limit) => {
        const values = [
          endpointId,
          status,
          eventType,
          eventId,
          after?.[0] ?? null,
          after?.[1] ?? null,
          limit,
        ];
        return this.database.query(listDeliveries, values);
      },
    );
  }

  /**
   * One delivery with what is sent.
   *
   * @throws DomainError webhook_delivery_not_found
   */
  async get(id: string): Promise<Delivery & { readonly event: Record<string, unknown> }> {
    const found = await this.database.queryOne<Delivery & { event: Record<string, unknown> }>(readWithEvent, [
      id,
    ]);
    if (!found) throw new DomainError(webhooksErrors.webhook_delivery_not_found);
    return found;
  }

  /**
   * Has a delivery sent at once, whatever became of it; if that fails, it is tried again as if it were new.
   *
   * @throws DomainError webhook_delivery_not_found, webhook_endpoint_disabled
   */
  async retry(id: string): Promise<Delivery> {
    return this.database.transaction(async () => {
      const endpoint = await this.database.queryOne<{ status: string }>(readEndpointStatus, [id]);
      if (!endpoint || endpoint.status === 'deleted') {
        throw new DomainError(webhooksErrors.webhook_delivery_not_found);
      }
      if (endpoint.status === 'disabled') throw new DomainError(webhooksErrors.webhook_endpoint_disabled);
      await this.queue.retry(id);
      const delivery = await this.database.queryOne<Delivery>(readDelivery, [id]);
      if (!delivery) throw new Error('A delivery is gone that was there a moment ago.');
      return delivery;
    });
  }
}
