import { Body, Controller, Delete, Get, Headers, Param, Patch, Post, Put, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { cursorErrors } from '#kernel';
import {
  Endpoint,
  etagOf,
  httpErrors,
  idParamSchema,
  OptionalIdempotencyKey,
  type Page,
  versionsFromIfMatch,
} from '#platform/http';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { erasureProblems } from './data-rights.schema.js';
import { type MailSent, verificationSentSchema } from './account.schema.js';
import { ChangeRole } from './change-role.js';
import { DataRights } from './data-rights.js';
import { RegisterUser } from './register-user.js';
import { UpdateUser } from './update-user.js';
import { ResetSecondFactor } from './second-factor/reset-second-factor.js';
import { usersErrors } from './users.errors.js';
import {
  type Registration,
  registrationSchema,
  type RoleChange,
  roleChangeSchema,
  type SecondFactorReset,
  secondFactorResetSchema,
  toUserView,
  type UserChange,
  userChangeSchema,
  type UserErasure,
  userErasureSchema,
  userPageSchema,
  userSchema,
  type UsersQuery,
  usersQuerySchema,
  type UserView,
} from './users.schema.js';
import { FIRST_VERSION, UsersService } from './users.service.js';

@ApiTags('Users')
@Controller('users')
export class UsersController {
  constructor(
    private readonly users: UsersService,
    private readonly registering: RegisterUser,
    private readonly updating: UpdateUser,
    private readonly changingRole: ChangeRole,
    private readonly dataRights: DataRights,
    private readonly resettingSecondFactor: ResetSecondFactor,
  ) {}

  @Post()
  @Endpoint({
    summary: 'Register',
    description:
      'Creates a customer. Log in afterwards with the same e-mail address and password. Where addresses have to be ' +
      'confirmed first (`USERS_EMAIL_VERIFICATION=required`), the answer is 202 for every address, taken or not, a ' +
      'mail says the rest, and the `id` is the server’s.',
    access: 'public',
    rateLimit: 'login',
    idempotencyKey: 'optional',
    responses: { 201: userSchema, 202: verificationSentSchema },
    headers: ['ETag'],
    errors: [usersErrors.email_taken, usersErrors.user_id_taken, httpErrors.service_unavailable],
  })
  async registerUser(
    @Body({ schema: registrationSchema }) body: Registration,
    @OptionalIdempotencyKey() idempotencyKey: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView | MailSent<'verification_sent'>> {
    const user = await this.registering.execute(body, idempotencyKey);
    if (user === null) {
      void reply.status(202);
      return { status: 'verification_sent' };
    }
    void reply.header('ETag', etagOf(FIRST_VERSION));
    return user;
  }

  @Get()
  @Endpoint({
    summary: 'List users',
    description: 'Newest first.',
    access: 'users:read',
    responses: { 200: userPageSchema },
    errors: [cursorErrors.invalid_cursor],
  })
  async listUsers(@Query({ schema: usersQuerySchema }) query: UsersQuery): Promise<Page<UserView>> {
    const { data, nextCursor } = await this.users.list(query);
    return { data: data.map(toUserView), nextCursor };
  }

  @Get(':id')
  @Endpoint({
    summary: 'Get a user',
    access: 'users:read',
    responses: { 200: userSchema },
    headers: ['ETag'],
    errors: [usersErrors.user_not_found],
  })
  async getUser(
    @Param({ schema: idParamSchema }) { id }: z.infer<typeof idParamSchema>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const user = await this.users.get(id);
    void reply.header('ETag', etagOf(user.version));
    return toUserView(user);
  }

  @Patch(':id')
  @Endpoint({
    summary: 'Change a user',
    description:
      'Staff change customers; staff and administrators themselves are for whoever has `users:roles`. A new address ' +
      'takes `users:readdress`, which no key has: whoever reads its mail can log in; where the account has a second ' +
      'factor, `users:recover` as well. The old one is told; sessions and links to outside identities end. The new one is ' +
      'not confirmed: it is mailed a token for `POST /auth/verify-email`. Where none is confirmed ' +
      '(`USERS_EMAIL_VERIFICATION=none`) no such mail is sent, and it is the one to log in with at once.',
    access: 'users:write',
    ifMatch: true,
    responses: { 200: userSchema },
    headers: ['ETag'],
    errors: [usersErrors.user_not_found, usersErrors.email_taken],
  })
  async updateUser(
    @Param({ schema: idParamSchema }) { id }: z.infer<typeof idParamSchema>,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: userChangeSchema }) body: UserChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const user = await this.updating.execute(id, versionsFromIfMatch(ifMatch), body);
    void reply.header('ETag', etagOf(user.version));
    return toUserView(user);
  }

  @Put(':id/role')
  @Endpoint({
    summary: 'Give a user another role',
    description:
      'Access tokens that the user has by then lose what is for staff and administrators and matters at once (401 ' +
      '`invalid_token`), and the rest when they expire; the new role is in those that the next refresh gives. ' +
      'API keys that they made go on: see `GET /api-keys?createdBy=user:<id>`. A higher role ends links to outside ' +
      'identities, and takes a confirmed address (409 `email_not_proven`): anybody can register with any. Where none ' +
      'is confirmed (`USERS_EMAIL_VERIFICATION=none`), make sure whose account it is. Administrators cannot give up their own ' +
      'role, and one always remains.',
    access: 'users:roles',
    ifMatch: true,
    responses: { 200: userSchema },
    headers: ['ETag'],
    errors: [
      usersErrors.user_not_found,
      usersErrors.email_not_proven,
      usersErrors.own_admin_role,
      usersErrors.last_admin,
    ],
  })
  async changeRole(
    @Param({ schema: idParamSchema }) { id }: z.infer<typeof idParamSchema>,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: roleChangeSchema }) body: RoleChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const user = await this.changingRole.execute(id, versionsFromIfMatch(ifMatch), body.role);
    void reply.header('ETag', etagOf(user.version));
    return toUserView(user);
  }

  @Delete(':id')
  @Endpoint({
    summary: 'Erase a person',
    description:
      'Who has asked for it, as they could themselves with `DELETE /users/me`, which says what that means. For ' +
      'oneself it takes that one, and the password.',
    access: 'users:erase',
    responses: { 204: null },
    errors: [
      usersErrors.user_not_found,
      usersErrors.own_account,
      usersErrors.last_admin,
      usersErrors.orders_open,
    ],
    problemMembers: erasureProblems,
  })
  eraseUser(
    @Param({ schema: idParamSchema }) { id }: z.infer<typeof idParamSchema>,
    // The audit log takes the reason from the request.
    @Body({ schema: userErasureSchema }) _body: UserErasure,
  ): Promise<void> {
    return this.dataRights.erase(id);
  }

  @Delete(':id/second-factor')
  @Endpoint({
    summary: 'Remove the second factors of a user who has lost them',
    description:
      'For somebody who has neither their second factor nor a recovery code, and of whom you are sure. Authenticator ' +
      'app, passkeys and recovery codes go, every session ends, and the user is told by mail; the password stays.',
    access: 'users:recover',
    responses: { 204: null },
    errors: [usersErrors.user_not_found, usersErrors.own_second_factor, usersErrors.no_second_factor],
  })
  resetSecondFactor(
    @Param({ schema: idParamSchema }) { id }: z.infer<typeof idParamSchema>,
    // The audit log takes the reason from the request.
    @Body({ schema: secondFactorResetSchema }) _body: SecondFactorReset,
  ): Promise<void> {
    return this.resettingSecondFactor.execute(id);
  }
}
