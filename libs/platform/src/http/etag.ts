import { DomainError } from '#kernel';
import { httpErrors } from './http.errors.js';

/** The entity tag of a resource's version. */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/**
 * The version that an `If-Match` header names.
 *
 * @throws DomainError if_match_required (428) without the header, stale_etag (412) when it names no version
 */
export function versionFromIfMatch(header: string | undefined): number {
  if (header === undefined || header.trim() === '') throw new DomainError(httpErrors.if_match_required);
  const match = /^(?:W\/)?"(\d{1,15})"$/.exec(header.trim());
  if (!match) throw new DomainError(httpErrors.stale_etag);
  return Number(match[1]);
}

/** Whether `If-None-Match` already names this tag, so that 304 is answer enough. */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag || tag.trim() === '*');
}
