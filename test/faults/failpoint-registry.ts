// All modules of the application, for the failpoints that they declare.
import '../../apps/standalone/src/standalone.module.js';
import { failpointNames } from '#platform/failpoints';

/** Every place in the code at which a crash can be caused. */
export const FAILPOINTS: readonly string[] = failpointNames();

/** Those of the intake of the gateway's webhooks; none where this version takes none. */
export const WEBHOOK_FAILPOINTS = FAILPOINTS.filter((name) => name.startsWith('payments.webhook.'));

export const TAKES_WEBHOOKS = WEBHOOK_FAILPOINTS.length > 0;
