// All modules of the application, for the failpoints that they declare.
import '../../apps/standalone/src/standalone.module.js';
import { failpointNames } from '#platform/failpoints';

/** Passed only where a partner has an endpoint, which no flow of the matrix has; the test of deliveries breaks it. */
const PASSED_FOR_PARTNERS = 'webhooks.delivery.sent';

/** Every place in the code at which a crash can be caused while money, goods or news of them move. */
export const FAILPOINTS: readonly string[] = failpointNames().filter((name) => name !== PASSED_FOR_PARTNERS);
