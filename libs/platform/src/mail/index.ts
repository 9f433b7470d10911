export { DeliverMails } from './deliver-mails.js';
export { mailLink } from './mail-link.js';
export { mailKind, MailQueue } from './mail-queue.js';
export type { Mail } from './mailer.js';
export { MailModule } from './mail.module.js';
export { staffNotice, StaffNotices } from './staff-notices.js';
