import { defineDirectEvent, defineEvent } from '#platform/messaging';
import { z } from 'zod';
import { DISABLED_REASONS } from './domain/endpoint-status.js';

// The URL stays out: partners put tokens into it.
const endpointDisabledData = z.object({ endpointId: z.uuid(), reason: z.enum(DISABLED_REASONS) });
export type EndpointDisabledData = z.output<typeof endpointDisabledData>;

/** Nothing more is sent to an endpoint, until somebody makes it active again. */
export const webhookEndpointDisabled = defineEvent(
  'webhook_endpoint',
  'steelyard.webhook_endpoint.disabled.v1',
  endpointDisabledData,
);

/** A test, sent to the endpoint that is pinged and to nobody else. It is about itself: each is the first of its subject. */
export const webhookPingSent = defineDirectEvent(
  'webhook_ping',
  'steelyard.webhook_ping.sent.v1',
  z.object({ endpointId: z.uuid() }),
);
