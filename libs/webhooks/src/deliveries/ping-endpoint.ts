import { Injectable } from '@nestjs/common';
import { Clock, DomainError, newId } from '#kernel';
import { Config } from '#platform/config';
import { currentContext } from '#platform/context';
import { Database } from '#platform/database';
import { toCloudEvent } from '#platform/messaging';
import { statements } from '../endpoints/endpoint-statements.js';
import { webhooksErrors } from '../webhooks.errors.js';
import { webhookPingSent } from '../webhooks.events.js';
import { type Attempt, type Target, WebhookSender } from './webhook-sender.js';

/** How long the partner has: less than for other webhooks, since somebody waits. */
const MAX_TIMEOUT_MS = 10_000;

/** The part of a request's time that the partner may take: the answer is told within the rest. */
const SHARE_OF_REQUEST = 0.8;

/** Sends a test event, so that a partner can see at once whether everything fits together. */
@Injectable()
export class PingEndpoint {
  constructor(
    private readonly database: Database,
    private readonly sender: WebhookSender,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /**
   * Sends it now and waits for what comes back, ten seconds at most; to a disabled endpoint as well. Nothing follows
   * from the answer, also not from a 410.
   *
   * @throws DomainError webhook_endpoint_not_found
   */
  async execute(endpointId: string): Promise<{ eventId: string; attempt: Attempt }> {
    const target = await this.database.queryOne<Omit<Target, 'endpointId'>>(statements.readTarget, [
      endpointId,
    ]);
    if (!target) throw new DomainError(webhooksErrors.webhook_endpoint_not_found);
    const id = newId();
    const { type, aggregate } = webhookPingSent;
    const event = toCloudEvent({
      ...{ id, type, aggregate, aggregateId: id, sequence: 1 },
      occurredAt: this.clock.now(),
      data: { endpointId },
    });
    const { signal } = currentContext();
    const { REQUEST_TIMEOUT_MS } = this.config.settings;
    const timeoutMs = Math.min(MAX_TIMEOUT_MS, Math.floor(REQUEST_TIMEOUT_MS * SHARE_OF_REQUEST));
    const attempt = await this.sender.send({ endpointId, ...target }, event, signal, timeoutMs);
    return { eventId: id, attempt };
  }
}
