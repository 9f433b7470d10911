export {
  armFailpoints,
  defineFailpoint,
  FAILPOINT_ACTIONS,
  failpointNames,
  parseFailpoints,
} from './failpoint.js';
