import { Injectable } from '@nestjs/common';
import { Config, type Settings } from '../config/index.js';
import { type MailKind, mailKind, MailQueue } from './mail-queue.js';
import type { Mail } from './mailer.js';

/** The settings that hold an address of staff; where one is absent, nobody is told. */
type AddressSetting = Extract<keyof Settings, `${string}_ALERT_EMAIL`>;

/** A kind of mail to the people who look after the shop. */
export interface StaffNotice<Data extends object> extends MailKind<Data> {
  readonly setting: AddressSetting;
}

/** What a notice says; whom it goes to is a setting. */
type NoticeText = Omit<Mail, 'to'>;

/**
 * Declares a notice, once, in the module that writes it.
 *
 * @param setting holds the address that it is sent to
 */
export function staffNotice<Data extends object>(name: string, setting: AddressSetting): StaffNotice<Data> {
  return Object.freeze({ ...mailKind<Data>(name), setting });
}

/**
 * Mails that tell staff what they have to see to. One is asked for in the transaction of what it tells of, and written
 * when it leaves. Where no address is set or no mail is delivered, what happens meanwhile is passed over: nobody is told
 * of it later.
 */
@Injectable()
export class StaffNotices {
  constructor(
    private readonly queue: MailQueue,
    private readonly config: Config,
  ) {}

  /**
   * Asks for a notice, in the running transaction.
   *
   * @param subject what it is about: of the same kind about the same subject only the latest is sent
   * @param isNews whether it has not been told yet; asked only where somebody would be
   */
  async ask<Data extends object>(
    notice: StaffNotice<Data>,
    subject: string,
    data: Data,
    isNews: () => Promise<boolean> = () => Promise.resolve(true),
  ): Promise<void> {
    if (this.addressOf(notice) === undefined || !this.queue.isDelivered) return;
    if (await isNews()) await this.queue.enqueue(notice, subject, data);
  }

  /** Has `write` write the notices of this kind; undefined when there is nothing to tell any more. */
  onWrite<Data extends object>(
    notice: StaffNotice<Data>,
    write: (data: Data) => Promise<NoticeText | undefined>,
  ): void {
    this.queue.onCompose(notice, async (data) => {
      const to = this.addressOf(notice);
      if (to === undefined) return undefined;
      const text = await write(data);
      return text && { to, ...text };
    });
  }

  private addressOf({ setting }: StaffNotice<object>): string | undefined {
    return this.config.settings[setting];
  }
}
