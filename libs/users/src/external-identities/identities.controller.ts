import { Controller, Delete, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { cursorErrors } from '#kernel';
import { Endpoint, idParamSchema, type Page, type PageRequest, pageQuerySchema } from '#platform/http';
import type { z } from 'zod';
import { currentUser } from '../current-user.js';
import { usersErrors } from '../users.errors.js';
import { UsersService } from '../users.service.js';
import { IdentityLinks } from './identity-links.js';
import { identityPageSchema, type IdentityView, toIdentityView } from './identity.schema.js';

@ApiTags('Users')
@Controller('users/me/identities')
export class IdentitiesController {
  constructor(
    private readonly users: UsersService,
    private readonly links: IdentityLinks,
  ) {}

  @Get()
  @Endpoint({
    summary: 'List my log-ins at an outside identity provider',
    description: 'Those that open my account, newest first.',
    access: 'account:use',
    responses: { 200: identityPageSchema },
    errors: [cursorErrors.invalid_cursor],
  })
  async listMyIdentities(
    @Query({ schema: pageQuerySchema }) query: PageRequest,
  ): Promise<Page<IdentityView>> {
    const { data, nextCursor } = await this.links.list(currentUser().userId, query);
    return { data: data.map(toIdentityView), nextCursor };
  }

  @Delete(':id')
  @Endpoint({
    summary: 'Have a log-in elsewhere open my account no more',
    description:
      'Its tokens are refused at once. Whoever logs in there again is linked again where the rules of the first time ' +
      'allow it.',
    access: 'account:use',
    responses: { 204: null },
    errors: [usersErrors.identity_not_found, usersErrors.user_not_found],
  })
  async endMyIdentity(
    @Param({ schema: idParamSchema }) { id }: z.infer<typeof idParamSchema>,
  ): Promise<void> {
    await this.links.end(id, await this.users.get(currentUser().userId));
  }
}
