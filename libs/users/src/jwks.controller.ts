import { Controller, Get, Header } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint } from '#platform/http';
import { AccessTokens } from '#platform/security';
import { publicKeysSchema } from './auth.schema.js';

@ApiTags('Access')
@Controller('.well-known')
export class JwksController {
  constructor(private readonly accessTokens: AccessTokens) {}

  @Get('jwks.json')
  @Header('Cache-Control', 'public, max-age=300')
  @Endpoint({
    summary: 'Public keys of the access tokens',
    description:
      'For services that verify access tokens themselves. Cache it; look again for an unknown `kid`.',
    access: 'public',
    responses: { 200: publicKeysSchema },
  })
  listPublicKeys(): AccessTokens['jwks'] {
    return this.accessTokens.jwks;
  }
}
