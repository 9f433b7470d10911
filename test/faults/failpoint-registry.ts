// All modules of the application, for the failpoints that they declare.
import '../../apps/standalone/src/standalone.module.js';
import { failpointNames } from '#platform/failpoints';

/** Every place in the code at which a crash can be caused while money, goods or news of them move. */
export const FAILPOINTS: readonly string[] = failpointNames();
