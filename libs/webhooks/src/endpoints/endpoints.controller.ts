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
  Query,
  Res,
} from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { cursorErrors } from '#kernel';
import {
  API_PREFIX,
  Endpoint,
  etagOf,
  idParamSchema,
  type Page,
  type PageRequest,
  pageQuerySchema,
  versionsFromIfMatch,
} from '#platform/http';
import type { FastifyReply } from 'fastify';
import { webhooksErrors } from '../webhooks.errors.js';
import {
  type EndpointChange,
  endpointChangeSchema,
  endpointPageSchema,
  endpointSchema,
  type EndpointView,
  endpointWithSecretSchema,
  type EndpointWithSecretView,
  type NewEndpoint,
  newEndpointSchema,
  rotateSecretSchema,
  toEndpointView,
} from './endpoint.schema.js';
import { type WebhookEndpoint, WebhookEndpoints } from './endpoints.js';

@ApiTags('Webhooks')
@Controller('webhook-endpoints')
export class EndpointsController {
  constructor(private readonly endpoints: WebhookEndpoints) {}

  @Post()
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    summary: 'Make a webhook endpoint',
    description:
      'Events of these types are posted to the URL from now on, signed as Standard Webhooks has it. The answer shows ' +
      'the secret this once; when the answer was lost, delete the endpoint and make another.',
    access: 'webhooks:write',
    responses: { 201: endpointWithSecretSchema },
    headers: ['ETag', 'Location'],
    errors: [webhooksErrors.webhook_endpoint_limit],
  })
  async createWebhookEndpoint(
    @Body({ schema: newEndpointSchema }) body: NewEndpoint,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EndpointWithSecretView> {
    const { endpoint, secret } = await this.endpoints.create(body);
    void reply.header('Location', `/${API_PREFIX}/webhook-endpoints/${endpoint.id}`);
    return { ...answer(endpoint, reply), secret };
  }

  @Get()
  @Endpoint({
    summary: 'List the webhook endpoints',
    description: 'Newest first.',
    access: 'webhooks:read',
    responses: { 200: endpointPageSchema },
    errors: [cursorErrors.invalid_cursor],
  })
  async listWebhookEndpoints(
    @Query({ schema: pageQuerySchema }) query: PageRequest,
  ): Promise<Page<EndpointView>> {
    const { data, nextCursor } = await this.endpoints.list(query);
    return { data: data.map(toEndpointView), nextCursor };
  }

  @Get(':id')
  @Endpoint({
    summary: 'Get a webhook endpoint',
    access: 'webhooks:read',
    responses: { 200: endpointSchema },
    headers: ['ETag'],
    errors: [webhooksErrors.webhook_endpoint_not_found],
  })
  async getWebhookEndpoint(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EndpointView> {
    return answer(await this.endpoints.get(id), reply);
  }

  @Patch(':id')
  @Endpoint({
    summary: 'Change a webhook endpoint',
    description:
      'Names the version to change in `If-Match`: the `ETag` as it was answered. What waits for its delivery goes to ' +
      'the new URL. A disabled endpoint is made active with `status`.',
    access: 'webhooks:write',
    responses: { 200: endpointSchema },
    headers: ['ETag'],
    errors: [webhooksErrors.webhook_endpoint_not_found],
    ifMatch: true,
  })
  async changeWebhookEndpoint(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: endpointChangeSchema }) change: EndpointChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EndpointView> {
    return answer(await this.endpoints.update(id, versionsFromIfMatch(ifMatch), change), reply);
  }

  @Delete(':id')
  @Endpoint({
    summary: 'Delete a webhook endpoint',
    description: 'Nothing more is sent to it, also not what waits for its delivery.',
    access: 'webhooks:write',
    responses: { 204: null },
    errors: [webhooksErrors.webhook_endpoint_not_found],
  })
  deleteWebhookEndpoint(@Param({ schema: idParamSchema }) { id }: { id: string }): Promise<void> {
    return this.endpoints.remove(id);
  }

  @Post(':id/rotate-secret')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    summary: 'Give a webhook endpoint a new secret',
    description:
      'Shown this once. For 24 hours the secret before signs as well, so that the partner can change over at any ' +
      'moment; a second rotation within that time ends the oldest.',
    access: 'webhooks:write',
    responses: { 200: endpointWithSecretSchema },
    headers: ['ETag'],
    errors: [webhooksErrors.webhook_endpoint_not_found],
  })
  async rotateWebhookSecret(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Body({ schema: rotateSecretSchema }) _body: object,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EndpointWithSecretView> {
    const { endpoint, secret } = await this.endpoints.rotateSecret(id);
    return { ...answer(endpoint, reply), secret };
  }
}

function answer(endpoint: WebhookEndpoint, reply: FastifyReply): EndpointView {
  void reply.header('ETag', etagOf(endpoint.version));
  return toEndpointView(endpoint);
}
