import { DomainError } from '#kernel';
import { httpErrors } from './http.errors.js';

/** The entity tag of a resource's version. */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/** The versions of a resource that a caller is ready to change; undefined: whichever it has by now. */
export type ExpectedVersions = readonly number[] | undefined;

const ENTITY_TAG = String.raw`(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"`;
const ENTITY_TAGS = new RegExp(String.raw`^[\s,]*${ENTITY_TAG}(?:\s*,[\s,]*${ENTITY_TAG})*[\s,]*$`);
/** An entity tag may hold a comma, so a list is not split at each. */
const EACH_TAG = /(?:W\/)?"[^"]*"/g;
const STRONG_TAG_OF_VERSION = /^"([1-9]\d{0,14})"$/;

/**
 * The versions that an `If-Match` header names, as RFC 9110 reads it: `*` is any, of several tags one has to match,
 * and a weak one never does.
 *
 * @throws DomainError if_match_required (428) without the header, validation_failed when it holds no entity tags
 */
export function versionsFromIfMatch(header: string | undefined): ExpectedVersions {
  const text = header?.trim() ?? '';
  if (text === '') throw new DomainError(httpErrors.if_match_required);
  if (text === '*') return undefined;
  if (!ENTITY_TAGS.test(text)) {
    const detail = 'Must be * or entity tags in double quotes, as ETag answers them, divided by commas.';
    throw new DomainError(httpErrors.validation_failed, {
      errors: [{ pointer: 'header:/If-Match', code: 'invalid_format', detail }],
    });
  }
  return (text.match(EACH_TAG) ?? []).flatMap((tag) => {
    const version = STRONG_TAG_OF_VERSION.exec(tag)?.[1];
    return version === undefined ? [] : [Number(version)];
  });
}

/** @throws DomainError stale_etag (412) unless the resource has a version that the caller expects */
export function requireVersion(expected: ExpectedVersions, version: number): void {
  if (expected !== undefined && !expected.includes(version)) throw new DomainError(httpErrors.stale_etag);
}

/** Whether `If-None-Match` already names this tag, so that 304 is answer enough. */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag || tag.trim() === '*');
}
