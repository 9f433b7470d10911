import { defineErrors, defineFieldCodes } from '#kernel';

/** Every error code of outbound webhooks. */
export const webhooksErrors = defineErrors({
  webhook_endpoint_not_found: { kind: 'not_found', title: 'There is no such webhook endpoint' },
  webhook_endpoint_disabled: {
    kind: 'conflict',
    title: 'Nothing is sent to an endpoint that is disabled: make it active first',
  },
  webhook_endpoint_limit: { kind: 'conflict', title: 'There are as many webhook endpoints as there may be' },
  webhook_backlog: {
    kind: 'conflict',
    title: 'More than 1,000 webhooks wait for their first attempt: send again once they have left',
  },
  webhook_delivery_not_found: { kind: 'not_found', title: 'There is no such delivery' },
});

defineFieldCodes({ range_empty: 'The range ends before it begins' });
