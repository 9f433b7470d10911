import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccountMails } from './account-mails.js';
import { AccountTokens } from './account-tokens.js';
import { AccountController } from './account.controller.js';
import { AccountService } from './account.service.js';
import { ApiKeys } from './api-keys/api-keys.js';
import { ApiKeysController } from './api-keys/api-keys.controller.js';
import { AuthController } from './auth.controller.js';
import { AuthService } from './auth.service.js';
import { DataRights } from './data-rights.js';
import { DemoUsers } from './demo-users.js';
import { ExternalIdentities } from './external-identities/external-identities.js';
import { IdentityLinks } from './external-identities/identity-links.js';
import { IdentityProvider } from './external-identities/identity-provider.js';
import { JwksController } from './jwks.controller.js';
import { MeController } from './me.controller.js';
import { PasswordCheck } from './password-check.js';
import { Passwords } from './passwords.js';
import { PersonalData } from './personal-data.js';
import { Sessions } from './sessions.js';
import { UpdateUser } from './update-user.js';
import { UserRow } from './user.row.js';
import { UsersController } from './users.controller.js';
import { UsersFacade } from './users.facade.js';
import { UsersService } from './users.service.js';

/** Who may use the system: registration, proven addresses, log-in here or at an outside provider, sessions, roles; machines, by keys. */
@Module({
  imports: [TypeOrmModule.forFeature([UserRow])],
  controllers: [
    AccountController,
    ApiKeysController,
    AuthController,
    JwksController,
    MeController,
    UsersController,
  ],
  providers: [
    AccountMails,
    AccountService,
    AccountTokens,
    ApiKeys,
    AuthService,
    DataRights,
    ExternalIdentities,
    IdentityLinks,
    IdentityProvider,
    PasswordCheck,
    Passwords,
    PersonalData,
    Sessions,
    UpdateUser,
    UsersService,
    UsersFacade,
    DemoUsers,
  ],
  exports: [UsersFacade, DemoUsers],
})
export class UsersModule {}
