import { isIP } from 'node:net';
import type { Role } from '#kernel';
import { z } from 'zod';

/** What the documentation says about a setting beside its description and default. */
export interface SettingMeta {
  /** Which values it takes, in words. */
  readonly values?: string;
  /** The value must never be printed. */
  readonly secret?: boolean;
  /** A change holds at once, without a restart: whoever uses the value reads it anew each time. */
  readonly hot?: boolean;
}

/** Marks a setting whose value must never be printed. */
export const SECRET = { secret: true } satisfies SettingMeta;

/** Marks a setting that changes while the process runs. */
export const HOT = { hot: true } satisfies SettingMeta;

/** What an outside identity provider makes of somebody; customers are whoever is left. */
const OUTSIDE_ROLES = ['staff', 'admin'] as const satisfies Role[];

const documented = <T extends z.ZodType>(schema: T, meta: SettingMeta): T => schema.meta({ ...meta });

const wholeNumber = (min: number, max: number) => {
  const values = `${min} to ${max}`;
  const error = `must be a whole number from ${values}`;
  return documented(z.coerce.number(error).int(error).min(min, error).max(max, error), { values });
};

export const integer = (min: number, max: number, fallback: number) =>
  wholeNumber(min, max).default(fallback);
export const port = () => wholeNumber(0, 65_535);
export const durationMs = (fallback: number, min = 1) => integer(min, 86_400_000, fallback);
export const count = (fallback: number) => integer(1, 1_000_000, fallback);

export const oneOf = <const T extends readonly string[]>(values: T, fallback: T[number]) =>
  documented(z.enum(values, `must be one of ${values.join(', ')}`), { values: values.join(', ') }).default(
    fallback,
  );

export const flag = (fallback: boolean) =>
  oneOf(['true', 'false'], fallback ? 'true' : 'false').transform((value) => value === 'true');

/** Who is told of something by mail; absent: nobody. */
export const alertEmail = () => z.email('must be an e-mail address').optional();

/** A URL of one of these schemes; `example` shows one. */
export const urlOf = (schemes: readonly string[], example: string) =>
  z.string().refine((url) => isUrlOf(schemes, url), `must be a URL, ${example}`);

/** What a setting holds that names several: divided by commas, with or without spaces; a comma too many is none. */
export function splitList(text: string): string[] {
  return text.split(',').flatMap((entry) => entry.trim() || []);
}

const list = () => z.string().transform(splitList);

/** One or more entries, divided by commas, of which each has to pass. */
export const listOf = (isEntry: (text: string) => boolean, error: string, values?: string) =>
  documented(list(), values === undefined ? {} : { values }).refine(
    (entries) => entries.length > 0 && entries.every(isEntry),
    error,
  );

/** Some of these names, divided by commas. */
export const someOf = <const T extends readonly string[]>(names: T) =>
  documented(list().pipe(z.array(z.enum(names, `must be of ${names.join(', ')}, divided by commas`))), {
    values: `any of ${names.join(', ')}`,
  });

/** Pairs such as `warehouse=staff`, divided by commas: what the values of a claim make of somebody. */
export const rolesByClaim = () =>
  documented(list().pipe(z.array(z.string().transform(toRoleEntry))), {
    values: `${OUTSIDE_ROLES.map((role) => `value=${role}`).join(' or ')}, divided by commas`,
  });

function toRoleEntry(text: string, context: z.core.$RefinementCtx<string>): [string, Role] {
  const at = text.lastIndexOf('=');
  const role = OUTSIDE_ROLES.find((name) => name === text.slice(at + 1));
  if (at > 0 && role !== undefined) return [text.slice(0, at), role];
  context.addIssue({ code: 'custom', message: 'must be value=staff or value=admin, divided by commas' });
  return z.NEVER;
}

/** Whether a text is a URL of one of these schemes. */
export function isUrlOf(schemes: readonly string[], text: string): boolean {
  return URL.canParse(text) && schemes.some((scheme) => text.startsWith(`${scheme}://`));
}

/** As a browser sends it: no path, no trailing slash, no port that goes without saying. */
export function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

/**
 * Whether what comes from this URL is what its owner sent: over TLS, or without leaving the machine. What a URL cannot
 * hold anyway, such as a password, is not taken either.
 */
export function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (username + password + hash !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

/** Whether a host is this machine, so that nobody else reaches what listens there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || /^\[?::1\]?$/.test(host) || /^127(\.\d+){3}$/.test(host);
}

/** Of a page that browsers give passkeys to, or of an Android app. */
export function isPasskeyOrigin(text: string): boolean {
  if (/^android:apk-key-hash:[\w-]{43}$/.test(text)) return true;
  if (!isOrigin(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && /(^|\.)localhost$/.test(hostname));
}

/** `kafka-1:9092` or `[::1]:9092`. */
export function isHostAndPort(text: string): boolean {
  const url = URL.canParse(`tcp://${text}`) ? new URL(`tcp://${text}`) : undefined;
  return url !== undefined && url.port !== '' && url.host === text.toLowerCase();
}

/** An IP address, or a CIDR range such as `10.0.0.0/8`. */
export function isAddressRange(range: string): boolean {
  const [address = '', prefix, ...rest] = range.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}
