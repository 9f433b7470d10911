import { Body, Controller, Header, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, httpErrors } from '#platform/http';
import { secondFactorProblems } from './second-factor/second-factor.schema.js';
import {
  type Login,
  loginSchema,
  type RefreshTokenBody,
  refreshTokenBodySchema,
  type Tokens,
  tokensSchema,
} from './auth.schema.js';
import { AuthService } from './auth.service.js';
import { usersErrors } from './users.errors.js';

@ApiTags('Access')
@Controller('auth')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  @Post('login')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    summary: 'Log in',
    description:
      'Opens a session. Send `accessToken` with each call, and exchange `refreshToken` for new ones before ' +
      '`expiresIn` seconds have passed. An unknown e-mail address, a wrong password, and an address that has to be ' +
      'confirmed first (`USERS_EMAIL_VERIFICATION=required`; it is mailed another token) get the same answer, and ' +
      'after some failures for an account or from a network address each further one starts a pause (429), which ' +
      'doubles; from a network where the account has logged in of late they count apart. To the right password of an account with a second factor it is 403 `second_factor_required`, whose ' +
      'problem holds `challengeToken`, `expiresIn`, the `methods` that the account has (`totp`, `passkey`, ' +
      '`recoveryCode`), and `passkeyOptions` for `navigator.credentials.get()`: go on with `POST /auth/second-factor`.',
    access: 'public',
    rateLimit: 'login',
    responses: { 200: tokensSchema },
    errors: [
      usersErrors.invalid_credentials,
      usersErrors.second_factor_required,
      httpErrors.service_unavailable,
    ],
    problemMembers: secondFactorProblems,
  })
  login(@Body({ schema: loginSchema }) body: Login): Promise<Tokens> {
    return this.auth.login(body);
  }

  @Post('refresh')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    summary: 'Get fresh tokens',
    description:
      'Replaces the refresh token. A repetition with the replaced one within 10 seconds, because an answer was lost ' +
      'or two tabs refreshed at once, gets the token that is active by then. Later it ends the session ' +
      '(`refresh_token_reused`), because one of two holders must have stolen it. A changed role shows from here on.',
    access: 'public',
    responses: { 200: tokensSchema },
    errors: [usersErrors.invalid_refresh_token, usersErrors.refresh_token_reused],
  })
  refreshTokens(@Body({ schema: refreshTokenBodySchema }) body: RefreshTokenBody): Promise<Tokens> {
    return this.auth.refresh(body.refreshToken);
  }

  @Post('logout')
  @Endpoint({
    summary: 'Log out',
    description:
      'Ends the session of the refresh token. Repeat it as you like: a token that opens no session is no error. ' +
      'Access tokens that the session got place and see orders until they expire, and show and change nothing of the account.',
    access: 'public',
    responses: { 204: null },
  })
  logout(@Body({ schema: refreshTokenBodySchema }) body: RefreshTokenBody): Promise<void> {
    return this.auth.logout(body.refreshToken);
  }
}
