import { type AssuranceLevel, deterministicUuidV7, type Role, ROLES } from '#kernel';
import { emailSchema } from '#platform/http';
import { z } from 'zod';
import { nameSchema } from '../users.schema.js';

/** Factors that are two by themselves, and those that are a second one beside a password (RFC 8176). */
const TWO_FACTORS = ['mfa'];
const SECOND_FACTORS = ['otp', 'swk', 'hwk'];

const HIGH_ASSURANCE = ['aal2', 'aal3'];

/** What a token must say of its subject; more may be in it. */
export const externalClaimsSchema = z.looseObject({
  // OpenID Connect has it as ASCII of at most 255 characters, compared exactly.
  sub: z.string().regex(/^[\x20-\x7e]{1,255}$/),
  iat: z.number(),
});

/** The verified claims of a token of the outside identity provider. */
export type ExternalClaims = z.output<typeof externalClaimsSchema>;

/** What makes an account. */
export interface ExternalPerson {
  readonly email: string;
  readonly name: string;
}

/** Who the claims say that somebody is; undefined where the provider does not vouch for their address. */
export function personIn(claims: Readonly<Record<string, unknown>>): ExternalPerson | undefined {
  const email = emailSchema.safeParse(claims['email']).data;
  // A boolean by the standard; there are providers that write it as text.
  const isVerified = claims['email_verified'] === true || claims['email_verified'] === 'true';
  if (email === undefined || !isVerified) return undefined;
  const name = nameSchema.safeParse(claims['name']).data ?? nameSchema.safeParse(email.split('@')[0]).data;
  return { email, name: name ?? email };
}

/**
 * The highest role that the values of a claim stand for; customer where none of them stands for one.
 *
 * @param claim a claim, or the path of one through objects, with dots; a claim that has dots in its name goes first
 * @param roles which value stands for which role
 */
export function roleIn(
  claims: ExternalClaims,
  claim: string,
  roles: readonly (readonly [value: string, role: Role])[],
): Role {
  const values = textsIn(Object.hasOwn(claims, claim) ? claims[claim] : valueAt(claims, claim.split('.')));
  const granted = roles.filter(([value]) => values.includes(value)).map(([, role]) => role);
  return ROLES.findLast((role) => granted.includes(role)) ?? 'customer';
}

/** How sure the provider is, by what its tokens say of the log-in. */
export function assuranceIn({ acr, amr }: ExternalClaims): AssuranceLevel {
  const methods = textsIn(amr);
  const has = (names: readonly string[]) => names.some((name) => methods.includes(name));
  const isHigh = typeof acr === 'string' && HIGH_ASSURANCE.includes(acr);
  return isHigh || has(TWO_FACTORS) || (has(['pwd']) && has(SECOND_FACTORS)) ? 2 : 1;
}

/** An id for the log-in at the provider: all tokens of one have the same, as far as the provider tells them apart. */
export function sessionIdIn(issuer: string, { sid, jti, sub }: ExternalClaims): string {
  const [kind, value] =
    typeof sid === 'string' ? ['sid', sid] : typeof jti === 'string' ? ['jti', jti] : ['sub', sub];
  // When it began, tokens need not say.
  return deterministicUuidV7(issuer, `${kind}\0${value}`, 0);
}

function valueAt(value: unknown, [first, ...rest]: readonly string[]): unknown {
  if (first === undefined) return value;
  const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, first);
  return isObject ? valueAt((value as Record<string, unknown>)[first], rest) : undefined;
}

/** A list of texts, or one. */
function textsIn(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}
