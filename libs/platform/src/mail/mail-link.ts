/**
 * A link in a mail to a page of the front-end.
 *
 * @param base `MAIL_LINKS_URL`, with or without a slash at its end; undefined where there is no front-end
 * @param path of the page, without a slash at its beginning
 * @param token what opens the page's subject; it stands behind the hash, where neither the server of the page nor its
 *   logs see it
 * @returns undefined where there is nothing to link to
 */
export function mailLink(base: string | undefined, path: string, token?: string): string | undefined {
  if (base === undefined) return undefined;
  return `${base.replace(/\/$/, '')}/${path}${token === undefined ? '' : `#token=${token}`}`;
}
