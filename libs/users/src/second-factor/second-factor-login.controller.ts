import { Body, Controller, Header, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint } from '#platform/http';
import { type Tokens, tokensSchema } from '../auth.schema.js';
import { usersErrors } from '../users.errors.js';
import {
  type PasskeyLogin,
  passkeyLoginSchema,
  type SecondFactorLogin,
  secondFactorLoginSchema,
  type SecondFactorProof,
  stepUpSchema,
} from './second-factor.schema.js';
import { SecondFactorLogins } from './second-factor-logins.js';
import { type RequestOptions, requestOptionsSchema } from './webauthn.schema.js';

const { invalid_or_expired_token, wrong_second_factor, invalid_passkey, email_not_verified } = usersErrors;

@ApiTags('Second factor')
@Controller('auth')
export class SecondFactorLoginController {
  constructor(private readonly logins: SecondFactorLogins) {}

  @Post('second-factor')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    summary: 'Finish a log-in with a second factor',
    description:
      'With the `challengeToken` of the problem `second_factor_required`, which is good for one session, for five ' +
      'minutes. For a passkey, sign its `passkeyOptions`. A wrong factor leaves the token good; after some failures ' +
      'each further one starts a pause (429), which doubles.',
    access: 'public',
    rateLimit: 'login',
    responses: { 200: tokensSchema },
    errors: [invalid_or_expired_token, wrong_second_factor],
  })
  finishLogin(
    @Body({ schema: secondFactorLoginSchema }) { challengeToken, ...proof }: SecondFactorLogin,
  ): Promise<Tokens> {
    return this.logins.finish(challengeToken, proof);
  }

  @Post('passkey/options')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    summary: 'Begin to log in with a passkey',
    description:
      'Hand the answer to `navigator.credentials.get()`, and what that gives to `POST /auth/passkey`, within five ' +
      'minutes. It is the same for everybody: the browser knows which passkeys there are.',
    access: 'public',
    responses: { 200: requestOptionsSchema },
  })
  passkeyLoginOptions(): Promise<RequestOptions> {
    return this.logins.passkeyOptions();
  }

  @Post('passkey')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    summary: 'Log in with a passkey',
    description: 'Without a password. It opens a session with two factors (`aal2`) by itself.',
    access: 'public',
    rateLimit: 'login',
    responses: { 200: tokensSchema },
    errors: [invalid_or_expired_token, invalid_passkey, email_not_verified],
  })
  loginWithPasskey(@Body({ schema: passkeyLoginSchema }) { passkey }: PasskeyLogin): Promise<Tokens> {
    return this.logins.withPasskey(passkey);
  }

  @Post('step-up/passkey-options')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    summary: 'Begin to prove a passkey of mine',
    description:
      'Hand the answer to `navigator.credentials.get()`; what that gives is the `passkey` of a call that asks for a ' +
      'second factor, once, within five minutes.',
    access: 'account:use',
    responses: { 200: requestOptionsSchema },
    errors: [usersErrors.no_second_factor, usersErrors.no_passkey],
  })
  stepUpPasskeyOptions(): Promise<RequestOptions> {
    return this.logins.stepUpOptions();
  }

  @Post('step-up')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    summary: 'Raise my session to two factors',
    description:
      'For a session that was opened before there was a second factor, when something answers 403 `insufficient_aal`. ' +
      'Go on with these tokens: refresh tokens of before are 401 `invalid_refresh_token` at once, for a copy of one has ' +
      'proven no second factor. Where the answer was lost, step up again with the access token that you have.',
    access: 'account:use',
    rateLimit: 'login',
    responses: { 200: tokensSchema },
    errors: [usersErrors.no_second_factor, wrong_second_factor],
  })
  stepUp(@Body({ schema: stepUpSchema }) proof: SecondFactorProof): Promise<Tokens> {
    return this.logins.stepUp(proof);
  }
}
