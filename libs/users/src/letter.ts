/** A mail to a person. */
export interface Letter {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** A letter to somebody: a greeting, then the paragraphs. */
export function letter(
  { email, name }: { readonly email: string; readonly name: string },
  subject: string,
  paragraphs: readonly string[],
): Letter {
  return { to: email, subject, text: `${[`Hello ${name},`, ...paragraphs].join('\n\n')}\n` };
}
