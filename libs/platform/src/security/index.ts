export { AccessPolicy } from './access-policy.js';
export { ACCESS_RULE, Access, type AccessRule } from './access.js';
export { AccessTokens, CLOCK_TOLERANCE_SECONDS } from './access-tokens.js';
export { addressBlock } from './address-block.js';
export {
  Authentication,
  type CredentialVerifier,
  type LiveSessions,
  type Newcomer,
} from './authentication.js';
export { credentialExpiryMs } from './credential-expiry.js';
export { generateAppSecret, generateSigningKeys } from './generate-secrets.js';
export { grantOf, isCheckedLive, isForAdmins, type Permission, POLICY, SCOPES } from './policy.js';
export { callerAddress } from './caller-address.js';
export { principalOf } from './principal.js';
export { RateLimits } from './rate-limits.js';
export { SecretBox } from './secret-box.js';
export { securityErrors } from './security.errors.js';
export { SecurityModule } from './security.module.js';
