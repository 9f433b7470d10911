export {
  currentActor,
  currentContext,
  runAsSystem,
  runInContext,
  type RequestContext,
} from './request-context.js';
