import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database, statement } from '#platform/database';
import { staffNotice, StaffNotices } from '#platform/mail';
import { EventBus, type IntegrationEvent } from '#platform/messaging';
import { PinoLogger } from 'nestjs-pino';
import { writeDisabledNotice } from '../domain/disabled-notice.js';
import { type EndpointDisabledData, webhookEndpointDisabled } from '../webhooks.events.js';
import { statements } from './endpoint-statements.js';
import type { WebhookEndpoint } from './endpoints.js';

const disabledNotice = staffNotice<{ endpointId: string }>(
  'webhooks.endpoint_disabled',
  'WEBHOOK_ALERT_EMAIL',
);

/** Counted for the mail; beyond that it says so. */
const MAX_COUNTED = 10_000;

// What waits for an endpoint that is disabled is canceled soon after. It is the same to whoever is told. The ids of
// events are in the order of their times.
const missedByEndpoint = statement(
  'webhooks.missed_by_endpoint',
  `SELECT (SELECT count(*)::int FROM (
             SELECT FROM webhooks.deliveries
              WHERE endpoint_id = $1 AND (status = 'pending' OR status = 'canceled' AND completed_at >= $2)
              LIMIT $4) waiting) AS waiting,
          (SELECT (event->>'time')::timestamptz FROM webhooks.deliveries
            WHERE endpoint_id = $1
              AND (status = 'pending' OR status IN ('canceled', 'failed') AND completed_at >= $3)
            ORDER BY event_id LIMIT 1) AS "missedSince"`,
);

interface Missed {
  readonly waiting: number;
  /** When the oldest event happened that the endpoint has not got. */
  readonly missedSince: Date | null;
}

/** Tells staff of endpoints that get nothing any more and for which nobody has asked that: in the log, and by mail. */
@Injectable()
export class EndpointAlerts implements OnModuleInit {
  constructor(
    private readonly bus: EventBus,
    private readonly notices: StaffNotices,
    private readonly database: Database,
    private readonly logger: PinoLogger,
  ) {
    logger.setContext(EndpointAlerts.name);
  }

  onModuleInit(): void {
    this.notices.onWrite(disabledNotice, ({ endpointId }) => this.write(endpointId));
    this.bus.consume({
      name: 'webhooks.alerts',
      types: [webhookEndpointDisabled.type],
      apply: (event) => this.hear(event as IntegrationEvent<EndpointDisabledData>),
    });
  }

  private async hear({
    data: { endpointId, reason },
  }: IntegrationEvent<EndpointDisabledData>): Promise<void> {
    if (reason === 'requested') return;
    await this.notices.ask(disabledNotice, endpointId, { endpointId });
    // A transaction that has to begin anew tells of it once.
    this.database.afterCommit(() => {
      this.logger.warn({ endpoint_id: endpointId, reason }, 'A webhook endpoint is sent nothing any more');
    });
  }

  /** Says what is so when it leaves; nothing of an endpoint that somebody has looked after meanwhile. */
  private async write(endpointId: string): Promise<{ subject: string; text: string } | undefined> {
    const endpoint = await this.database.queryOne<WebhookEndpoint>(statements.read, [endpointId]);
    if (!endpoint?.disabledAt || endpoint.disabledReason === null) return undefined;
    const { id, url, description, version, disabledAt, disabledReason: reason } = endpoint;
    if (reason === 'requested') return undefined;
    const failingSince = endpoint.failingSince ?? disabledAt;
    const values = [id, disabledAt, failingSince, MAX_COUNTED + 1];
    const missed = await this.database.queryOne<Missed>(missedByEndpoint, values);
    return writeDisabledNotice({
      ...{ id, description, version, disabledAt, reason, failingSince },
      host: new URL(url).host,
      waiting: missed?.waiting ?? 0,
      maxCounted: MAX_COUNTED,
      missedSince: missed?.missedSince ?? failingSince,
    });
  }
}
