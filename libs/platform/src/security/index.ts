export { AccessPolicy } from './access-policy.js';
export { ACCESS_RULE, Access, type AccessRule } from './access.js';
export { AccessTokens, CLOCK_TOLERANCE_SECONDS } from './access-tokens.js';
export { Authentication, type CredentialVerifier } from './authentication.js';
export { generateAppSecret, generateSigningKeys } from './generate-secrets.js';
export { grantOf, isForAdmins, type Permission, POLICY, SCOPES } from './policy.js';
export { RateLimits } from './rate-limits.js';
export { securityErrors } from './security.errors.js';
export { SecurityModule } from './security.module.js';
