export {
  ANONYMOUS,
  ROLES,
  actorReference,
  hasRole,
  userReference,
  type Actor,
  type AssuranceLevel,
  type Role,
} from './actor.js';
export { canonicalJson } from './canonical-json.js';
export { Clock, SystemClock } from './clock.js';
export { CURRENCIES, minorUnitExponent, type Currency } from './currency.js';
export { CursorCodec, cursorErrors, type CursorPosition } from './cursor.js';
export { deterministicUuidV7 } from './deterministic-id.js';
export {
  DomainError,
  defineErrors,
  registeredErrors,
  type ErrorDefinition,
  type ErrorKind,
  type FieldError,
} from './domain-error.js';
export { defineFieldCodes, registeredFieldCodes } from './field-codes.js';
export { formatMoney } from './format-money.js';
export { newId, uuidFromBytes, uuidToBytes } from './id.js';
export { deriveKeys, hashOfToken, type Secrets } from './secrets.js';
export {
  add,
  allocate,
  equals,
  MAX_AMOUNT_MINOR,
  money,
  moneyErrors,
  multiply,
  proportionOf,
  sum,
  type Money,
} from './money.js';
