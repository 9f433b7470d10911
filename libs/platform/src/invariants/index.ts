export { CaptureFreeze } from './capture-freeze.js';
export {
  type Breach,
  type Change,
  breachesBy,
  changesBy,
  changesById,
  eitherChanged,
  type FollowingCheck,
  isAfter,
  type Position,
  type Survey,
  type SurveyStep,
} from './check.js';
export { CheckInvariants } from './check-invariants.js';
export { invariantErrors } from './invariant.errors.js';
export { Invariants } from './invariants.js';
export { InvariantsModule } from './invariants.module.js';
