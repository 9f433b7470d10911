import { Body, Controller, Delete, Get, Header, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { cursorErrors } from '#kernel';
import { Endpoint, idParamSchema, type Page } from '#platform/http';
import type { z } from 'zod';
import { usersErrors } from '../users.errors.js';
import {
  apiKeyPageSchema,
  type ApiKeysQuery,
  apiKeysQuerySchema,
  type ApiKeyView,
  issuedApiKeySchema,
  type IssuedApiKeyView,
  type NewApiKey,
  newApiKeySchema,
  toApiKeyView,
} from './api-key.schema.js';
import { ApiKeys } from './api-keys.js';

@ApiTags('API keys')
@Controller('api-keys')
export class ApiKeysController {
  constructor(private readonly keys: ApiKeys) {}

  @Post()
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    summary: 'Make an API key',
    description:
      'For a machine, which sends it as `Authorization: Bearer <key>` and may do what the scopes say, and nothing ' +
      'else. The answer shows the key this once: only its hash is kept. A call whose answer was lost has made a key ' +
      'that nobody knows; revoke it and make another. A key is asked for no second factor: whoever makes one shows what ' +
      '`SECOND_FACTOR_FOR` asks of people for its scopes (403 `insufficient_aal`).',
    access: 'keys:manage',
    responses: { 201: issuedApiKeySchema },
    errors: [usersErrors.api_key_expiry_past],
  })
  async issueApiKey(@Body({ schema: newApiKeySchema }) body: NewApiKey): Promise<IssuedApiKeyView> {
    const { key, code } = await this.keys.issue(body);
    return { ...toApiKeyView(key), key: code };
  }

  @Get()
  @Endpoint({
    summary: 'List the API keys',
    description:
      'Those that are not revoked, newest first. A key outlives the role of whoever made it: see theirs by `createdBy`.',
    access: 'keys:manage',
    responses: { 200: apiKeyPageSchema },
    errors: [cursorErrors.invalid_cursor],
  })
  async listApiKeys(
    @Query({ schema: apiKeysQuerySchema }) { createdBy, ...page }: ApiKeysQuery,
  ): Promise<Page<ApiKeyView>> {
    const { data, nextCursor } = await this.keys.list(createdBy, page);
    return { data: data.map(toApiKeyView), nextCursor };
  }

  @Delete(':id')
  @Endpoint({
    summary: 'Revoke an API key',
    description: 'The next call with it is refused.',
    access: 'keys:manage',
    responses: { 204: null },
    errors: [usersErrors.api_key_not_found],
  })
  revokeApiKey(@Param({ schema: idParamSchema }) { id }: z.infer<typeof idParamSchema>): Promise<void> {
    return this.keys.revoke(id);
  }
}
