import { SetMetadata } from '@nestjs/common';
import type { Role } from '#kernel';

/**
 * Who may call a route: `public` looks at no token at all; `anyone` needs none but knows who calls when there is one;
 * a role is the least that the caller must have. A route without a rule is closed to everybody.
 */
export type AccessRule = 'public' | 'anyone' | Role;

export const ACCESS_RULE = 'steelyard:access-rule';

export const AUDITED_FOR_STAFF = 'steelyard:audited-for-staff';

/** Declares the access rule of a route. `Endpoint` of platform/http does it for every endpoint. */
export const Access = (rule: AccessRule) => SetMetadata(ACCESS_RULE, rule);

/** Has what staff do on a route audited that is not for staff alone. */
export const AuditedForStaff = () => SetMetadata(AUDITED_FOR_STAFF, true);
