import { Body, Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, httpErrors } from '#platform/http';
import {
  type AddressConfirmation,
  addressConfirmationSchema,
  type EmailBody,
  emailBodySchema,
  type MailSent,
  type PasswordReset,
  passwordResetSchema,
  resetSentSchema,
  verificationSentSchema,
} from './account.schema.js';
import { AccountService } from './account.service.js';
import { usersErrors } from './users.errors.js';

@ApiTags('Access')
@Controller('auth')
export class AccountController {
  constructor(private readonly accounts: AccountService) {}

  @Post('verify-email')
  @Endpoint({
    summary: 'Confirm my e-mail address',
    description:
      'With the token that was mailed to it, and the password: whoever registered and whoever reads the mail must be ' +
      'one person. The token is good once, for 15 minutes, and ends the others that were mailed for this; a wrong ' +
      'password does not end it. Who reads ' +
      'the mail and did not register takes the address with `POST /auth/forgot-password`.',
    access: 'public',
    rateLimit: 'login',
    responses: { 204: null },
    errors: [
      usersErrors.invalid_or_expired_token,
      usersErrors.wrong_password,
      httpErrors.service_unavailable,
    ],
  })
  verifyEmail(
    @Body({ schema: addressConfirmationSchema }) { token, password }: AddressConfirmation,
  ): Promise<void> {
    return this.accounts.verifyEmail(token, password);
  }

  @Post('resend-verification')
  @Endpoint({
    summary: 'Mail me another token to confirm my address',
    description:
      'The answer is the same for every address; mail is sent where one waits to be confirmed, and has not been sent ' +
      'five times in 15 minutes.',
    access: 'public',
    rateLimit: 'login',
    responses: { 202: verificationSentSchema },
  })
  async resendVerification(
    @Body({ schema: emailBodySchema }) { email }: EmailBody,
  ): Promise<MailSent<'verification_sent'>> {
    await this.accounts.resendVerification(email);
    return { status: 'verification_sent' };
  }

  @Post('forgot-password')
  @Endpoint({
    summary: 'Mail me a token to choose a new password',
    description:
      'The answer is the same for every address; mail is sent where there is an account, and has not been sent five ' +
      'times in 15 minutes.',
    access: 'public',
    rateLimit: 'login',
    responses: { 202: resetSentSchema },
  })
  async forgotPassword(
    @Body({ schema: emailBodySchema }) { email }: EmailBody,
  ): Promise<MailSent<'reset_sent'>> {
    await this.accounts.forgotPassword(email);
    return { status: 'reset_sent' };
  }

  @Post('reset-password')
  @Endpoint({
    summary: 'Choose a new password',
    description:
      'With the token that was mailed. Ends every session and every link to an outside identity; log in afterwards. It ' +
      'confirms the address as well: where nobody had confirmed it before, second factors that were added until then ' +
      'go, else they stay.',
    access: 'public',
    rateLimit: 'login',
    responses: { 204: null },
    errors: [usersErrors.invalid_or_expired_token, httpErrors.service_unavailable],
  })
  resetPassword(@Body({ schema: passwordResetSchema }) { token, password }: PasswordReset): Promise<void> {
    return this.accounts.resetPassword(token, password);
  }

  @Post('confirm-email-change')
  @Endpoint({
    summary: 'Confirm my new e-mail address',
    description:
      'With the token that was mailed to the new address, which is the one to log in with from then on, and the ' +
      'password; the old address is told. Sessions go on; links to outside identities end.',
    access: 'public',
    rateLimit: 'login',
    responses: { 204: null },
    errors: [
      usersErrors.invalid_or_expired_token,
      usersErrors.wrong_password,
      usersErrors.email_taken,
      httpErrors.service_unavailable,
    ],
  })
  confirmEmailChange(
    @Body({ schema: addressConfirmationSchema }) { token, password }: AddressConfirmation,
  ): Promise<void> {
    return this.accounts.confirmEmailChange(token, password);
  }
}
