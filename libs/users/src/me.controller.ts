import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  Headers,
  Param,
  Patch,
  Post,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { cursorErrors } from '#kernel';
import {
  Endpoint,
  etagOf,
  httpErrors,
  idParamSchema,
  type Page,
  type PageRequest,
  pageQuerySchema,
  versionsFromIfMatch,
} from '#platform/http';
import { securityErrors } from '#platform/security';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { erasureProblems } from './data-rights.schema.js';
import {
  confirmationSentSchema,
  type EmailChange,
  emailChangeSchema,
  type MailSent,
  type PasswordChange,
  passwordChangeSchema,
} from './account.schema.js';
import { AccountService } from './account.service.js';
import { currentUser } from './current-user.js';
import { DataRights } from './data-rights.js';
import {
  type Erasure,
  erasureSchema,
  personalDataSchema,
  type PersonalDataView,
} from './data-rights.schema.js';
import { SessionList } from './session-list.js';
import { Sessions } from './sessions.js';
import { usersErrors } from './users.errors.js';
import {
  endSessionsQuerySchema,
  type ProfileChange,
  profileChangeSchema,
  sessionPageSchema,
  type SessionView,
  toSessionView,
  toUserView,
  userSchema,
  type UserView,
} from './users.schema.js';
import { UsersService } from './users.service.js';

@ApiTags('Users')
@Controller('users/me')
export class MeController {
  constructor(
    private readonly users: UsersService,
    private readonly accounts: AccountService,
    private readonly sessionList: SessionList,
    private readonly sessions: Sessions,
    private readonly dataRights: DataRights,
  ) {}

  @Get()
  @Endpoint({
    summary: 'Who am I',
    access: 'account:use',
    responses: { 200: userSchema },
    headers: ['ETag'],
    errors: [usersErrors.user_not_found],
  })
  async getMe(@Res({ passthrough: true }) reply: FastifyReply): Promise<UserView> {
    const user = await this.users.get(currentUser().userId);
    void reply.header('ETag', etagOf(user.version));
    return toUserView(user);
  }

  @Patch()
  @Endpoint({
    summary: 'Change my profile',
    access: 'account:use',
    ifMatch: true,
    responses: { 200: userSchema },
    headers: ['ETag'],
    errors: [usersErrors.user_not_found],
  })
  async updateMe(
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: profileChangeSchema }) body: ProfileChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const user = await this.users.update(currentUser().userId, versionsFromIfMatch(ifMatch), body);
    void reply.header('ETag', etagOf(user.version));
    return toUserView(user);
  }

  @Delete()
  @Endpoint({
    summary: 'Erase me',
    description:
      'For good: name and address give way to a pseudonym, sessions and tokens end, nobody can log in. Orders keep ' +
      'their ids and amounts, and lose e-mail address, metadata, and all of the shipping address but the country. While orders are not paid, or not ' +
      'sent, they need the person: 409 `orders_open` names them. A last mail to the address says that it is done.',
    access: 'account:use',
    rateLimit: 'login',
    responses: { 204: null },
    errors: [
      usersErrors.wrong_password,
      securityErrors.insufficient_aal,
      usersErrors.user_not_found,
      usersErrors.last_admin,
      usersErrors.orders_open,
      httpErrors.service_unavailable,
    ],
    problemMembers: erasureProblems,
  })
  eraseMe(@Body({ schema: erasureSchema }) { password }: Erasure): Promise<void> {
    return this.dataRights.eraseMe(password);
  }

  @Get('export')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    summary: 'Export all that is held about me',
    access: 'account:use',
    responses: { 200: personalDataSchema },
    errors: [usersErrors.user_not_found],
  })
  exportMe(): Promise<PersonalDataView> {
    return this.dataRights.export(currentUser().userId);
  }

  @Put('password')
  @Endpoint({
    summary: 'Change my password',
    description:
      'Other sessions, links to outside identities, mailed tokens and a change of the address that waits to be confirmed ' +
      'end. This session goes on, but if it is an outside identity provider’s: log in there again. A mail says that it ' +
      'was done.',
    access: 'account:use',
    rateLimit: 'login',
    responses: { 204: null },
    errors: [
      usersErrors.wrong_password,
      securityErrors.insufficient_aal,
      usersErrors.user_not_found,
      httpErrors.service_unavailable,
    ],
  })
  changeMyPassword(
    @Body({ schema: passwordChangeSchema }) { currentPassword, password }: PasswordChange,
  ): Promise<void> {
    return this.accounts.changePassword(currentPassword, password);
  }

  @Post('email-change')
  @Endpoint({
    summary: 'Move my account to another e-mail address',
    description:
      'Mails a token to the new address. Nothing changes until it is given to `POST /auth/confirm-email-change`.',
    access: 'account:use',
    rateLimit: 'login',
    responses: { 202: confirmationSentSchema },
    errors: [
      usersErrors.email_unchanged,
      usersErrors.wrong_password,
      securityErrors.insufficient_aal,
      usersErrors.user_not_found,
      httpErrors.service_unavailable,
    ],
  })
  async changeMyEmail(
    @Body({ schema: emailChangeSchema }) { email, password }: EmailChange,
  ): Promise<MailSent<'confirmation_sent'>> {
    await this.accounts.requestEmailChange(email, password);
    return { status: 'confirmation_sent' };
  }

  @Get('sessions')
  @Endpoint({
    summary: 'List my sessions',
    description: 'The log-ins that have not ended, newest first.',
    access: 'account:use',
    responses: { 200: sessionPageSchema },
    errors: [cursorErrors.invalid_cursor],
  })
  async listMySessions(@Query({ schema: pageQuerySchema }) query: PageRequest): Promise<Page<SessionView>> {
    const { userId, sessionId } = currentUser();
    const { data, nextCursor } = await this.sessionList.live(userId, query);
    return {
      data: data.map((session) => ({ ...toSessionView(session), current: session.id === sessionId })),
      nextCursor,
    };
  }

  @Delete('sessions')
  @Endpoint({
    summary: 'End all my other sessions',
    description:
      'For a device that was lost; with `includeCurrent=true` on every device. Refresh tokens stop working at once. Their ' +
      'access tokens place and see orders until they expire, and show and change nothing of the account.',
    access: 'account:use',
    responses: { 204: null },
  })
  revokeMySessions(
    @Query({ schema: endSessionsQuerySchema })
    { includeCurrent }: z.output<typeof endSessionsQuerySchema>,
  ): Promise<void> {
    const { userId, sessionId } = currentUser();
    return this.sessions.revokeAll(userId, includeCurrent ? undefined : sessionId);
  }

  @Delete('sessions/:id')
  @Endpoint({
    summary: 'End one of my sessions',
    description:
      'Its refresh token stops working at once. Its access tokens place and see orders until they expire, and show and ' +
      'change nothing of the account.',
    access: 'account:use',
    responses: { 204: null },
    errors: [usersErrors.session_not_found],
  })
  revokeMySession(@Param({ schema: idParamSchema }) { id }: z.infer<typeof idParamSchema>): Promise<void> {
    return this.sessions.revoke(id, currentUser().userId);
  }
}
