import { Injectable } from '@nestjs/common';
import { Clock, DomainError, newId } from '#kernel';
import { currentContext } from '#platform/context';
import { Database } from '#platform/database';
import { toCloudEvent } from '#platform/messaging';
import { statements } from '../endpoints/endpoint-statements.js';
import { webhooksErrors } from '../webhooks.errors.js';
import { type Attempt, type Target, WebhookSender } from './webhook-sender.js';

/** No event of ours: it is sent to whom it is about and to nobody else, and is kept nowhere. */
const PING_TYPE = 'steelyard.webhook_endpoint.ping.v1';

/** Sends a test event, so that a partner can see at once whether everything fits together. */
@Injectable()
export class PingEndpoint {
  constructor(
    private readonly database: Database,
    private readonly sender: WebhookSender,
    private readonly clock: Clock,
  ) {}

  /**
   * Sends it now and waits for what comes back; to a disabled endpoint as well. Nothing follows from the answer.
   *
   * @throws DomainError webhook_endpoint_not_found
   */
  async execute(endpointId: string): Promise<{ eventId: string; attempt: Attempt }> {
    const target = await this.database.queryOne<Omit<Target, 'endpointId'>>(statements.readTarget, [
      endpointId,
    ]);
    if (!target) throw new DomainError(webhooksErrors.webhook_endpoint_not_found);
    const event = toCloudEvent({
      id: newId(),
      type: PING_TYPE,
      aggregate: 'webhook_endpoint',
      aggregateId: endpointId,
      sequence: 0,
      occurredAt: this.clock.now(),
      data: { endpointId },
    });
    const { signal } = currentContext();
    return { eventId: event.id, attempt: await this.sender.send({ endpointId, ...target }, event, signal) };
  }
}
