import { Injectable } from '@nestjs/common';
import { Clock, DomainError, newId } from '#kernel';
import { currentContext } from '#platform/context';
import { Database } from '#platform/database';
import {
  type ExpectedVersions,
  type Page,
  type PageRequest,
  Paginator,
  requireVersion,
} from '#platform/http';
import { EventBus } from '#platform/messaging';
import type { DisabledReason, EndpointStatus } from '../domain/endpoint-status.js';
import { webhooksErrors } from '../webhooks.errors.js';
import { webhookEndpointDisabled } from '../webhooks.events.js';
import { CheckEndpoint } from './check-endpoint.js';
import { EndpointSecrets } from './endpoint-secrets.js';
import { statements } from './endpoint-statements.js';

/** Each is looked at whenever something is due. */
const MAX_ENDPOINTS = 1_000;

/** How long the secret before the last rotation signs as well. */
const SECRET_OVERLAP_MS = 24 * 3_600_000;

/** Where somebody wants to be told what happens, without its secret. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly url: string;
  readonly eventTypes: string[];
  readonly description: string | null;
  readonly status: EndpointStatus;
  readonly disabledReason: DisabledReason | null;
  readonly disabledAt: Date | null;
  readonly failingSince: Date | null;
  readonly pausedUntil: Date | null;
  readonly previousSecretUntil: Date | null;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface EndpointWish {
  readonly url: string;
  readonly eventTypes: readonly string[];
  readonly description: string | null;
}

/** The fields to change. */
export type EndpointEdit = {
  readonly [Field in keyof EndpointWish]?: EndpointWish[Field] | undefined;
} & { readonly status?: EndpointStatus | undefined };

/** The endpoints: made, changed, disabled and deleted. */
@Injectable()
export class WebhookEndpoints {
  constructor(
    private readonly database: Database,
    private readonly check: CheckEndpoint,
    private readonly secrets: EndpointSecrets,
    private readonly paginator: Paginator,
    private readonly bus: EventBus,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes an endpoint.
   *
   * @returns it, and its secret, which nobody can see again
   * @throws DomainError validation_failed, webhook_endpoint_limit
   */
  async create({
    url,
    eventTypes,
    description,
  }: EndpointWish): Promise<{ endpoint: WebhookEndpoint; secret: string }> {
    this.check.execute(url);
    const id = newId();
    const { secret, sealed } = this.secrets.issue(id);
    return this.database.transaction(async () => {
      await this.database.lock('webhooks', 'endpoints');
      const { count = 0 } = (await this.database.queryOne<{ count: number }>(statements.count)) ?? {};
      if (count >= MAX_ENDPOINTS) throw new DomainError(webhooksErrors.webhook_endpoint_limit);
      currentContext().subjectId = id;
      const values = [id, url, sortedSet(eventTypes), description, sealed, this.clock.now()];
      return {
        endpoint: found(await this.database.queryOne<WebhookEndpoint>(statements.insert, values)),
        secret,
      };
    });
  }

  /**
   * Newest first.
   *
   * @throws DomainError invalid_cursor
   */
  list(request: PageRequest): Promise<Page<WebhookEndpoint>> {
    return this.paginator.page<WebhookEndpoint>(
      'webhook_endpoints',
      {},
      request,
      ({ createdAt, id }) => [createdAt.toISOString(), id],
      (after, limit) => this.database.query(statements.list, [after?.[0] ?? null, after?.[1] ?? null, limit]),
    );
  }

  /** @throws DomainError webhook_endpoint_not_found */
  async get(id: string): Promise<WebhookEndpoint> {
    return found(await this.database.queryOne<WebhookEndpoint>(statements.read, [id]));
  }

  /**
   * Changes the given fields of the version that the caller has seen. A new URL begins without the past of the old one; no
   * field at all changes nothing.
   *
   * @throws DomainError validation_failed, webhook_endpoint_not_found, stale_etag
   */
  async update(id: string, expected: ExpectedVersions, edit: EndpointEdit): Promise<WebhookEndpoint> {
    if (edit.url !== undefined) this.check.execute(edit.url);
    return this.database.transaction(async () => {
      const before = found(await this.database.queryOne<WebhookEndpoint>(statements.lock, [id]));
      requireVersion(expected, before.version);
      if (Object.keys(edit).length === 0) return before;
      if (edit.status === 'disabled') await this.disable(id, 'requested');
      if (edit.status === 'active') await this.database.query(statements.activate, [id]);
      const { url = before.url, eventTypes = before.eventTypes, description = before.description } = edit;
      const isElsewhere = url !== before.url || edit.status === 'active';
      const past = isElsewhere ? [null, null] : [before.failingSince, before.pausedUntil];
      currentContext().subjectId = id;
      const values = [id, url, sortedSet(eventTypes), description, ...past, this.clock.now()];
      return found(await this.database.queryOne<WebhookEndpoint>(statements.update, values));
    });
  }

  /**
   * Deletes an endpoint. What was not delivered is canceled soon after.
   *
   * @throws DomainError webhook_endpoint_not_found
   */
  async remove(id: string): Promise<void> {
    await this.database.transaction(async () => {
      found(await this.database.queryOne(statements.remove, [id, this.clock.now()]));
    });
  }

  /**
   * Gives the endpoint a new secret. The one before signs as well for a day; one before that ends now.
   *
   * @throws DomainError webhook_endpoint_not_found
   */
  async rotateSecret(id: string): Promise<{ endpoint: WebhookEndpoint; secret: string }> {
    const { secret, sealed } = this.secrets.issue(id);
    const now = this.clock.now();
    const values = [id, sealed, new Date(now.getTime() + SECRET_OVERLAP_MS), now];
    return this.database.transaction(async () => ({
      endpoint: found(await this.database.queryOne<WebhookEndpoint>(statements.rotateSecret, values)),
      secret,
    }));
  }

  /** Sends nothing more to an endpoint, and tells; nothing where that is so already. Belongs into a transaction. */
  async disable(endpointId: string, reason: DisabledReason): Promise<void> {
    const values = [endpointId, reason, this.clock.now()];
    const disabled = await this.database.queryOne<{ sequence: number }>(statements.disable, values);
    if (!disabled) return;
    await this.bus.publish(webhookEndpointDisabled, {
      aggregateId: endpointId,
      sequence: disabled.sequence,
      data: { endpointId, reason },
    });
  }
}

function found<Row extends object>(row: Row | undefined): Row {
  if (!row) throw new DomainError(webhooksErrors.webhook_endpoint_not_found);
  return row;
}

function sortedSet(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
