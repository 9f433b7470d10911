import { emailSchema } from '#platform/http';
import { z } from 'zod';
import { claimedPasswordSchema, newPasswordSchema } from './users.schema.js';

const EXAMPLE_TOKEN = 'vXh3bq1z0yS6m2Wc8RkT4dJp7fLeGn9aQoUiYtPrM5E';

const mailedTokenSchema = z.string().min(1).max(512).meta({ description: 'The token that was mailed.' });

export const emailBodySchema = z.strictObject({ email: emailSchema }).meta({
  id: 'EmailBody',
  description: 'An e-mail address.',
  example: { email: 'ada@example.com' },
});

export const addressConfirmationSchema = z
  .strictObject({ token: mailedTokenSchema, password: claimedPasswordSchema })
  .meta({
    id: 'AddressConfirmation',
    description: 'The token that was mailed, good once, for 15 minutes; and the password of the account.',
    example: { token: EXAMPLE_TOKEN, password: 'correct horse battery' },
  });

export const passwordResetSchema = z
  .strictObject({ token: mailedTokenSchema, password: newPasswordSchema })
  .meta({
    id: 'PasswordReset',
    description: 'The token that was mailed, and the new password.',
    example: { token: EXAMPLE_TOKEN, password: 'another horse battery' },
  });

export const emailChangeSchema = z
  .strictObject({ email: emailSchema, password: claimedPasswordSchema })
  .meta({
    id: 'EmailChange',
    description: 'The new address, and the password as it is.',
    example: { email: 'ada.king@example.com', password: 'correct horse battery' },
  });

export const passwordChangeSchema = z
  .strictObject({ currentPassword: claimedPasswordSchema, password: newPasswordSchema })
  .meta({
    id: 'PasswordChange',
    description: 'The password as it is, and the new one.',
    example: { currentPassword: 'correct horse battery', password: 'another horse battery' },
  });

/** What an operation answers that mails a token: one word of its own. */
const mailSentSchema = <Status extends string>(id: string, status: Status) =>
  z.object({ status: z.literal(status) }).meta({
    id,
    description: 'A mail is on its way, where there is somebody to read it.',
    example: { status },
  });

export const verificationSentSchema = mailSentSchema('VerificationSent', 'verification_sent');
export const resetSentSchema = mailSentSchema('ResetSent', 'reset_sent');
export const confirmationSentSchema = mailSentSchema('ConfirmationSent', 'confirmation_sent');

export type EmailBody = z.infer<typeof emailBodySchema>;
export type AddressConfirmation = z.infer<typeof addressConfirmationSchema>;
export type PasswordReset = z.infer<typeof passwordResetSchema>;
export type EmailChange = z.infer<typeof emailChangeSchema>;
export type PasswordChange = z.infer<typeof passwordChangeSchema>;
export interface MailSent<Status extends string> {
  readonly status: Status;
}
