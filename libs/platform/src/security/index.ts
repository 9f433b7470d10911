export { ACCESS_RULE, Access, type AccessRule, AUDITED_FOR_STAFF, AuditedForStaff } from './access.js';
export { AccessTokens } from './access-tokens.js';
export { generateAppSecret, generateSigningKeys } from './generate-secrets.js';
export { RateLimits } from './rate-limits.js';
export { securityErrors } from './security.errors.js';
export { SecurityModule } from './security.module.js';
