import { Injectable } from '@nestjs/common';
import { Clock, newId } from '#kernel';
import { Database, statement } from '../database/index.js';
import { type Mail, Mailer } from './mailer.js';

/** A kind of mail, and what has to be known to write one. */
export interface MailKind<Data extends object> {
  readonly name: string;
  /** Each one about a subject is sent, and not the latest alone. */
  readonly keepsEach?: boolean;
  /** Never set: it binds the type of the data to the kind. */
  readonly data?: Data;
}

/** Writes a mail, inside a transaction of its own; undefined when there is nothing to tell any more. */
type Composer<Data extends object> = (data: Data) => Promise<Mail | undefined>;

/**
 * Declares a kind of mail, once, in the module that writes it.
 *
 * @param keepsEach for mails of which none may take the place of another, such as news that somebody could hide by
 *   making more
 */
export function mailKind<Data extends object>(name: string, { keepsEach = false } = {}): MailKind<Data> {
  return Object.freeze({ name, keepsEach });
}

/** What may wait of a kind that keeps each mail about a subject, while a mail server takes none. */
const MAX_KEPT_EACH = 20;

const enqueueMail = statement(
  'mail.enqueue',
  `INSERT INTO platform.mails (id, kind, subject, data, created_at, next_attempt_at) VALUES ($1, $2, $3, $4, $5, $5)
   ON CONFLICT (kind, subject) DO UPDATE
     SET id = excluded.id, data = excluded.data, attempts = 0, created_at = excluded.created_at,
         next_attempt_at = excluded.next_attempt_at`,
);
const enqueueAnotherMail = statement(
  'mail.enqueue_another',
  `INSERT INTO platform.mails (id, kind, subject, data, created_at, next_attempt_at)
   SELECT $1::uuid, $2, $3 || ':' || $1, $4, $5, $5
    WHERE (SELECT count(*) FROM platform.mails WHERE kind = $2 AND starts_with(subject, $3 || ':')) < ${MAX_KEPT_EACH}`,
);
const withdrawMail = statement(
  'mail.withdraw',
  `DELETE FROM platform.mails WHERE kind = $1 AND (subject = $2 OR starts_with(subject, $2 || ':'))`,
);
const withdrawMailsAbout = statement(
  'mail.withdraw_about',
  `DELETE FROM platform.mails WHERE EXISTS (
     SELECT FROM unnest($1::text[]) AS about WHERE subject = about OR starts_with(subject, about || ':'))`,
);

/**
 * Mail that is to be written and sent once the running transaction has committed. A mail is written when its turn has
 * come, so that the queue holds neither texts nor secrets, and what is old when it leaves is not what it says.
 */
@Injectable()
export class MailQueue {
  private readonly composers = new Map<string, Composer<object>>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly mailer: Mailer,
  ) {}

  /** Whether mail leaves the queue at all: what nobody has to know for ever need not be asked for where it does not. */
  get isDelivered(): boolean {
    return this.mailer.isConfigured;
  }

  /**
   * Asks for a mail, in the running transaction where there is one.
   *
   * @param subject whom or what it is about: of the same kind about the same subject only the latest is sent, or each
   *   where the kind keeps them. Of those a few may wait, and of more the first stay: nobody hides one by causing others
   */
  async enqueue<Data extends object>(kind: MailKind<Data>, subject: string, data: Data): Promise<void> {
    const enqueue = kind.keepsEach ? enqueueAnotherMail : enqueueMail;
    await this.database.query(enqueue, [newId(), kind.name, subject, data, this.clock.now()]);
  }

  /** Takes back what was asked for and has not been written yet. */
  async withdraw(kind: MailKind<object>, subject: string): Promise<void> {
    await this.database.query(withdrawMail, [kind.name, subject]);
  }

  /** Takes back whatever was asked for about any of these subjects, or about `<subject>:…`. */
  async withdrawAbout(...subjects: string[]): Promise<void> {
    await this.database.query(withdrawMailsAbout, [subjects]);
  }

  /** Has `compose` write the mails of this kind. */
  onCompose<Data extends object>(kind: MailKind<Data>, compose: Composer<Data>): void {
    this.composers.set(kind.name, compose as Composer<object>);
  }

  /** The mail of a kind that some module of this process has declared. */
  async compose(kind: string, data: object): Promise<Mail | undefined> {
    const compose = this.composers.get(kind);
    if (!compose) throw new Error(`Nobody writes mails of the kind ${kind}.`);
    return compose(data);
  }
}
