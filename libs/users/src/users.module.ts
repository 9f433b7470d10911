import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccountMails } from './account-mails.js';
import { AccountTokens } from './account-tokens.js';
import { AccountController } from './account.controller.js';
import { AccountService } from './account.service.js';
import { ApiKeys } from './api-keys/api-keys.js';
import { ApiKeysController } from './api-keys/api-keys.controller.js';
import { Admission } from './admission.js';
import { AuthController } from './auth.controller.js';
import { AuthService } from './auth.service.js';
import { Backoffs } from './backoff.js';
import { ChangeRole } from './change-role.js';
import { DataRights } from './data-rights.js';
import { DemoUsers } from './demo-users.js';
import { ExternalIdentities } from './external-identities/external-identities.js';
import { IdentitiesController } from './external-identities/identities.controller.js';
import { IdentityLinks } from './external-identities/identity-links.js';
import { IdentityProvider } from './external-identities/identity-provider.js';
import { JwksController } from './jwks.controller.js';
import { KnownNetworks } from './known-networks.js';
import { MeController } from './me.controller.js';
import { PasswordCheck } from './password-check.js';
import { Passwords } from './passwords.js';
import { PendingChanges } from './pending-changes.js';
import { PersonalData } from './personal-data.js';
import { Challenges } from './second-factor/challenges.js';
import { Passkeys } from './second-factor/passkeys.js';
import { PruneAccounts } from './prune-accounts.js';
import { RecoveryCodes } from './second-factor/recovery-codes.js';
import { RegisterUser } from './register-user.js';
import { ResetSecondFactor } from './second-factor/reset-second-factor.js';
import { SecondFactorController } from './second-factor/second-factor.controller.js';
import { SecondFactorEnrolment } from './second-factor/second-factor-enrolment.js';
import { SecondFactorLoginController } from './second-factor/second-factor-login.controller.js';
import { SecondFactorLogins } from './second-factor/second-factor-logins.js';
import { SecondFactorMails } from './second-factor/second-factor-mails.js';
import { SecondFactors } from './second-factor/second-factors.js';
import { Totp } from './second-factor/totp.js';
import { WebAuthn } from './second-factor/webauthn.js';
import { SessionList } from './session-list.js';
import { Sessions } from './sessions.js';
import { UpdateUser } from './update-user.js';
import { UserRow } from './user.row.js';
import { UsersController } from './users.controller.js';
import { UsersFacade } from './users.facade.js';
import { UsersService } from './users.service.js';

/** Who may use the system: registration, proven addresses, log-in here or elsewhere, second factors, sessions, roles; machines, by keys. */
@Module({
  imports: [TypeOrmModule.forFeature([UserRow])],
  controllers: [
    AccountController,
    ApiKeysController,
    AuthController,
    IdentitiesController,
    JwksController,
    MeController,
    SecondFactorController,
    SecondFactorLoginController,
    UsersController,
  ],
  providers: [
    AccountMails,
    AccountService,
    AccountTokens,
    Admission,
    ApiKeys,
    AuthService,
    Backoffs,
    Challenges,
    ChangeRole,
    DataRights,
    ExternalIdentities,
    IdentityLinks,
    IdentityProvider,
    KnownNetworks,
    Passkeys,
    PasswordCheck,
    Passwords,
    PendingChanges,
    PersonalData,
    PruneAccounts,
    RecoveryCodes,
    RegisterUser,
    ResetSecondFactor,
    SecondFactorEnrolment,
    SecondFactorLogins,
    SecondFactorMails,
    SecondFactors,
    SessionList,
    Sessions,
    UpdateUser,
    Totp,
    UsersService,
    UsersFacade,
    DemoUsers,
    WebAuthn,
  ],
  exports: [ChangeRole, UsersFacade, DemoUsers, PruneAccounts],
})
export class UsersModule {}
