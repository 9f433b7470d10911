import { SetMetadata } from '@nestjs/common';
import type { Permission } from './policy.js';

/**
 * Who may call a route: `public` lets in everybody and knows nobody, whose token says at most under which count the
 * call is; a permission is what the policy says of it. A route without a rule is closed to everybody.
 */
export type AccessRule = 'public' | Permission;

export const ACCESS_RULE = 'steelyard:access-rule';

/** Declares the access rule of a route. `Endpoint` of platform/http does it for every endpoint. */
export const Access = (rule: AccessRule) => SetMetadata(ACCESS_RULE, rule);
