import type { Mail } from '#platform/mail';

/** A mail to somebody: a greeting, then the paragraphs. */
export function letter(
  { email, name }: { readonly email: string; readonly name: string },
  subject: string,
  paragraphs: readonly string[],
): Mail {
  return { to: email, subject, text: `${[`Hello ${name},`, ...paragraphs].join('\n\n')}\n` };
}
