/** A message to one person, as plain text. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** How mail leaves the house. Whoever has something to tell uses the `MailQueue`, which survives what sending does not. */
export abstract class Mailer {
  /** Whether there is somewhere that mail goes to. */
  readonly isConfigured: boolean = true;

  /**
   * Hands one mail over, within a bounded time.
   *
   * @throws MailRefusedError when nobody will ever take this mail; any other error when it is worth another try
   */
  abstract send(mail: Mail): Promise<void>;
}

/** The mail server takes no mail for this address, now or later. */
export class MailRefusedError extends Error {
  constructor(cause: unknown) {
    super('The mail server refuses the recipient.', { cause });
    this.name = 'MailRefusedError';
  }
}
