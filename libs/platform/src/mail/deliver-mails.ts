import { Injectable } from '@nestjs/common';
import { Clock } from '#kernel';
import { PinoLogger } from 'nestjs-pino';
import { runAsSystem } from '../context/index.js';
import { Database, statement } from '../database/index.js';
import { backoffMs, within } from '../resilience/index.js';
import { MailQueue } from './mail-queue.js';
import { type Mail, Mailer, MailRefusedError } from './mailer.js';

/** Mails on their way at once: one that hangs holds up its lane, and the others go on. */
const LANES = 4;
const MAX_PER_LANE = 50;

/** Beyond this nobody is sending a mail that was begun: it is begun again. Longer than any attempt may take. */
const LEASE_MS = 90_000;
const ATTEMPT_TIMEOUT_MS = 45_000;

const PAUSES = { firstMs: 5_000, longestMs: 600_000 };

/** What could not be delivered for this long is given up. */
const MAX_AGE_MS = 86_400_000;

const claimMail = statement(
  'mail.claim',
  `UPDATE platform.mails SET attempts = attempts + 1, next_attempt_at = $2
    WHERE id = (SELECT id FROM platform.mails WHERE next_attempt_at <= $1
                 ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED)
   RETURNING id, kind, data, attempts, created_at AS "createdAt"`,
);
const lockMail = statement('mail.lock', 'SELECT id FROM platform.mails WHERE id = $1 FOR UPDATE');
const deleteMail = statement('mail.delete', 'DELETE FROM platform.mails WHERE id = $1');
const postponeMail = statement(
  'mail.postpone',
  'UPDATE platform.mails SET next_attempt_at = $2 WHERE id = $1',
);

interface QueuedMail {
  readonly id: string;
  readonly kind: string;
  readonly data: object;
  /** This one included. */
  readonly attempts: number;
  readonly createdAt: Date;
}

/**
 * The worker's part: writes and sends what is in the queue, each mail at least once. Nothing is locked while a mail
 * server is spoken to; a worker that dies leaves a lease that ends.
 */
@Injectable()
export class DeliverMails {
  constructor(
    private readonly database: Database,
    private readonly queue: MailQueue,
    private readonly mailer: Mailer,
    private readonly clock: Clock,
    private readonly logger: PinoLogger,
  ) {
    logger.setContext(DeliverMails.name);
  }

  /** Attempts what is due and returns how many mails that were. */
  async execute(): Promise<number> {
    return runAsSystem('mail', async () => {
      const attempted = await Promise.all(Array.from({ length: LANES }, () => this.workLane()));
      return attempted.reduce((sum, count) => sum + count, 0);
    });
  }

  private async workLane(): Promise<number> {
    for (let count = 0; count < MAX_PER_LANE; count += 1) {
      const now = this.clock.now();
      const claimed = await this.database.queryOne<QueuedMail>(claimMail, [now, after(now, LEASE_MS)]);
      if (!claimed) return count;
      await this.attempt(claimed);
    }
    return MAX_PER_LANE;
  }

  private async attempt(queued: QueuedMail): Promise<void> {
    try {
      const mail = await this.compose(queued);
      if (mail) await this.send(mail);
      await this.database.query(deleteMail, [queued.id]);
    } catch (error) {
      await this.handleFailure(queued, error);
    }
  }

  /** In one transaction with the queue's row: a mail whose place a later one has taken meanwhile is not written. */
  private async compose({ id, kind, data }: QueuedMail): Promise<Mail | undefined> {
    return this.database.transaction(async () => {
      const isStillAsked = await this.database.queryOne(lockMail, [id]);
      return isStillAsked && this.queue.compose(kind, data);
    });
  }

  private async send(mail: Mail): Promise<void> {
    await within(ATTEMPT_TIMEOUT_MS, 'The mail server', () => this.mailer.send(mail));
  }

  private async handleFailure({ id, kind, attempts, createdAt }: QueuedMail, error: unknown): Promise<void> {
    const now = this.clock.now();
    // A mail server repeats the address in what it says, and an address has no place in the log.
    const { name, code, responseCode } = error as { name?: string; code?: string; responseCode?: number };
    const facts = { mail_id: id, kind, attempts, error: name, code, response_code: responseCode };
    const isFinal = error instanceof MailRefusedError || now.getTime() - createdAt.getTime() > MAX_AGE_MS;
    if (isFinal) {
      await this.database.query(deleteMail, [id]);
      this.logger.error(facts, 'A mail was given up');
      return;
    }
    const pauseMs = backoffMs(PAUSES, attempts - 1);
    await this.database.query(postponeMail, [id, after(now, pauseMs)]);
    this.logger.warn(facts, 'A mail was not sent; it is tried again');
  }
}

function after(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms);
}
