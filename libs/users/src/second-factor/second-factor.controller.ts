import { Body, Controller, Delete, Get, Header, Param, Patch, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, httpErrors, idParamSchema } from '#platform/http';
import { securityErrors } from '#platform/security';
import type { z } from 'zod';
import { currentUser } from '../current-user.js';
import { usersErrors } from '../users.errors.js';
import { Passkeys } from './passkeys.js';
import {
  type AddedPasskey,
  addedPasskeySchema,
  type Enrolment,
  enrolmentSchema,
  type FactorProof,
  factorProofSchema,
  type NewPasskey,
  newPasskeySchema,
  type PasskeyChange,
  passkeyChangeSchema,
  passkeySchema,
  type PasskeyView,
  recoveryCodesSchema,
  type RecoveryCodesView,
  secondFactorStatusSchema,
  type SecondFactorStatusView,
  type TotpCodeBody,
  totpCodeBodySchema,
  type TotpConfirmed,
  totpConfirmedSchema,
  totpSecretSchema,
  type TotpSecretView,
} from './second-factor.schema.js';
import { toPasskeyView, toStatusView } from './second-factor-views.js';
import { SecondFactorEnrolment } from './second-factor-enrolment.js';
import { SecondFactors } from './second-factors.js';
import { type CreationOptions, creationOptionsSchema } from './webauthn.schema.js';

const { wrong_password, wrong_second_factor, user_not_found } = usersErrors;
const { insufficient_aal } = securityErrors;
const { service_unavailable } = httpErrors;

const PROOF =
  'Takes the password and a second factor. For a passkey, sign what `POST /auth/step-up/passkey-options` gives.';
const AFTER_ADDING =
  'This session has proven it now: go on with `tokens`, whose `acr` is `aal2`. Refresh tokens of before are 401 ' +
  '`invalid_refresh_token` at once.';
const AFTER_REMOVAL =
  'Other sessions end. Recovery codes go with the last second factor, and this session has one factor again: its access ' +
  'tokens that say `aal2` are 401 `invalid_token` where sessions are looked up, and its next refresh gives others.';

@ApiTags('Second factor')
@Controller('users/me')
export class SecondFactorController {
  constructor(
    private readonly secondFactors: SecondFactors,
    private readonly enrolment: SecondFactorEnrolment,
    private readonly passkeys: Passkeys,
  ) {}

  @Get('second-factor')
  @Endpoint({
    summary: 'See my second factors',
    access: 'account:use',
    responses: { 200: secondFactorStatusSchema },
  })
  async getMySecondFactor(): Promise<SecondFactorStatusView> {
    return toStatusView(await this.secondFactors.statusOf(currentUser().userId));
  }

  @Post('totp')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    summary: 'Begin to use an authenticator app',
    description:
      'Show `uri` as a QR code. Nothing changes until the first code of the app is given to ' +
      '`POST /users/me/totp/confirm`, within 15 minutes. Where there is a second factor already, a log-in with it is ' +
      'needed (403 `insufficient_aal`).',
    access: 'account:use',
    rateLimit: 'login',
    responses: { 200: totpSecretSchema },
    errors: [
      wrong_password,
      insufficient_aal,
      usersErrors.totp_enrolled,
      user_not_found,
      service_unavailable,
    ],
  })
  enrolTotp(@Body({ schema: enrolmentSchema }) { password }: Enrolment): Promise<TotpSecretView> {
    return this.enrolment.enrolTotp(password);
  }

  @Post('totp/confirm')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    summary: 'Confirm my authenticator app',
    description:
      `With its first code. Every later log-in asks for one. ${AFTER_ADDING} ` +
      'With the first second factor of an account its other sessions, its links to outside ' +
      'identities, and a change of its address that waits to be confirmed end.',
    access: 'account:use',
    rateLimit: 'login',
    responses: { 200: totpConfirmedSchema },
    errors: [wrong_second_factor, insufficient_aal, usersErrors.totp_not_pending, user_not_found],
  })
  confirmTotp(@Body({ schema: totpCodeBodySchema }) { totp }: TotpCodeBody): Promise<TotpConfirmed> {
    return this.enrolment.confirmTotp(totp);
  }

  @Delete('totp')
  @Endpoint({
    summary: 'Remove my authenticator app',
    description: `${PROOF} ${AFTER_REMOVAL}`,
    access: 'account:use',
    rateLimit: 'login',
    responses: { 204: null },
    errors: [
      ...[usersErrors.totp_not_enrolled, wrong_password, wrong_second_factor],
      ...[user_not_found, service_unavailable],
    ],
  })
  removeTotp(@Body({ schema: factorProofSchema }) body: FactorProof): Promise<void> {
    return this.enrolment.removeTotp(body);
  }

  @Post('recovery-codes')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    summary: 'Replace my recovery codes',
    description: PROOF,
    access: 'account:use',
    rateLimit: 'login',
    responses: { 200: recoveryCodesSchema },
    errors: [
      ...[usersErrors.no_second_factor, wrong_password, wrong_second_factor],
      ...[user_not_found, service_unavailable],
    ],
  })
  async replaceRecoveryCodes(
    @Body({ schema: factorProofSchema }) body: FactorProof,
  ): Promise<RecoveryCodesView> {
    return { recoveryCodes: await this.enrolment.replaceRecoveryCodes(body) };
  }

  @Post('passkeys/options')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    summary: 'Begin to add a passkey',
    description:
      'Hand the answer to `navigator.credentials.create()`, and what that gives to `POST /users/me/passkeys`, within ' +
      'five minutes. Where there is a second factor already, a log-in with it is needed (403 `insufficient_aal`).',
    access: 'account:use',
    rateLimit: 'login',
    responses: { 200: creationOptionsSchema },
    errors: [wrong_password, insufficient_aal, user_not_found, service_unavailable],
  })
  passkeyOptions(@Body({ schema: enrolmentSchema }) { password }: Enrolment): Promise<CreationOptions> {
    return this.enrolment.passkeyOptions(password);
  }

  @Post('passkeys')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    summary: 'Add a passkey',
    description:
      `It opens the account by itself, and is a second factor after the password. ${AFTER_ADDING} ` +
      'With the first second factor of an account its other sessions, ' +
      'its links to outside identities, and a change of its address that waits to be confirmed end.',
    access: 'account:use',
    responses: { 201: addedPasskeySchema },
    errors: [
      ...[usersErrors.passkey_not_accepted, usersErrors.passkey_limit_reached],
      ...[insufficient_aal, user_not_found],
    ],
  })
  async addPasskey(
    @Body({ schema: newPasskeySchema }) { name, passkey: attestation }: NewPasskey,
  ): Promise<AddedPasskey> {
    const { passkey, ...added } = await this.enrolment.addPasskey(name, attestation);
    return { passkey: toPasskeyView(passkey), ...added };
  }

  // One field that only its owner sees: there is nothing that an older version could overwrite unseen.
  @Patch('passkeys/:id')
  @Endpoint({
    summary: 'Rename a passkey',
    access: 'account:use',
    responses: { 200: passkeySchema },
    errors: [usersErrors.passkey_not_found],
  })
  async renamePasskey(
    @Param({ schema: idParamSchema }) { id }: z.infer<typeof idParamSchema>,
    @Body({ schema: passkeyChangeSchema }) { name }: PasskeyChange,
  ): Promise<PasskeyView> {
    return toPasskeyView(await this.passkeys.rename(id, currentUser().userId, name));
  }

  @Delete('passkeys/:id')
  @Endpoint({
    summary: 'Remove a passkey',
    description: `${PROOF} ${AFTER_REMOVAL}`,
    access: 'account:use',
    rateLimit: 'login',
    responses: { 204: null },
    errors: [
      ...[usersErrors.passkey_not_found, wrong_password, wrong_second_factor],
      ...[user_not_found, service_unavailable],
    ],
  })
  removePasskey(
    @Param({ schema: idParamSchema }) { id }: z.infer<typeof idParamSchema>,
    @Body({ schema: factorProofSchema }) body: FactorProof,
  ): Promise<void> {
    return this.enrolment.removePasskey(id, body);
  }
}
