import { Body, Controller, Get, Headers, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiTags } from '@nestjs/swagger';
import { actorReference, cursorErrors } from '#kernel';
import { currentActor } from '#platform/context';
import {
  API_PREFIX,
  Endpoint,
  idParamSchema,
  matchesEtag,
  OptionalIdempotencyKey,
  type ExpectedVersions,
  versionsFromIfMatch,
} from '#platform/http';
import { Idempotency } from '#platform/idempotency';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { catalogErrors } from '../domain/catalog.errors.js';
import type { TaggedProduct } from './product-cache.js';
import {
  createProductSchema,
  type ListProductsQuery,
  listProductsQuerySchema,
  type ProductChange,
  productPageSchema,
  productSchema,
  type ProductView,
  updateProductSchema,
} from './product.schema.js';
import { Products } from './products.js';

@ApiTags('Catalog')
@Controller('products')
export class ProductsController {
  constructor(
    private readonly products: Products,
    private readonly idempotency: Idempotency,
  ) {}

  @Get()
  @Endpoint({
    summary: 'List products',
    description: 'Newest first. Shoppers see the active products, staff see all.',
    access: 'catalog:read',
    responses: { 200: productPageSchema },
    errors: [cursorErrors.invalid_cursor],
  })
  listProducts(@Query({ schema: listProductsQuerySchema }) query: ListProductsQuery) {
    return this.products.list(query, currentActor());
  }

  @Get(':id')
  @ApiHeader({
    name: 'If-None-Match',
    required: false,
    description: 'The ETag of the representation that the client has: 304 when it is still the current one.',
  })
  @Endpoint({
    summary: 'Get a product',
    description:
      'Cached; `availability` may lag behind a sale for a moment, and only an order decides what can be bought. ' +
      'The `ETag` changes with the product and with its availability.',
    access: 'catalog:read',
    responses: { 200: productSchema, 304: null },
    headers: ['ETag'],
    errors: [catalogErrors.product_not_found],
  })
  async getProduct(
    @Param({ schema: idParamSchema }) { id }: z.output<typeof idParamSchema>,
    @Headers('If-None-Match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProductView | undefined> {
    const product = await this.products.get(id, currentActor());
    // A client may keep it, and asks whether it is still current before each use.
    void reply.header('Cache-Control', 'no-cache');
    if (matchesEtag(ifNoneMatch, product.etag)) {
      void reply.header('ETag', product.etag).status(304);
      return undefined;
    }
    return answer(product, reply);
  }

  @Post()
  @Endpoint({
    summary: 'Create a product',
    access: 'catalog:write',
    responses: { 201: productSchema },
    headers: ['ETag', 'Location'],
    errors: [catalogErrors.sku_taken, catalogErrors.product_exists],
    idempotencyKey: 'optional',
  })
  async createProduct(
    @Body({ schema: createProductSchema }) body: z.output<typeof createProductSchema>,
    @OptionalIdempotencyKey() key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProductView> {
    const call = key === undefined ? undefined : keyedCall('catalog.create_product', key, body);
    const product = await this.idempotency.once(call, () => this.products.create(body));
    void reply.header('Location', `/${API_PREFIX}/products/${product.view.id}`);
    return answer(product, reply);
  }

  @Patch(':id')
  @Endpoint({
    summary: 'Change a product',
    description: 'Names the version to change in `If-Match`: the `ETag` as it was answered.',
    access: 'catalog:write',
    responses: { 200: productSchema },
    headers: ['ETag'],
    errors: [catalogErrors.product_not_found, catalogErrors.sku_taken],
    ifMatch: true,
  })
  async updateProduct(
    @Param({ schema: idParamSchema }) { id }: z.output<typeof idParamSchema>,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: updateProductSchema }) change: ProductChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProductView> {
    return answer(await this.products.update(id, productVersionsOf(ifMatch), change), reply);
  }
}

function answer({ view, etag }: TaggedProduct, reply: FastifyReply): ProductView {
  void reply.header('ETag', etag);
  return view;
}

/** The versions of the product in its ETags, whichever availability the client saw beside them. */
function productVersionsOf(ifMatch: string | undefined): ExpectedVersions {
  return versionsFromIfMatch(ifMatch?.replaceAll(/\.\d+(?=")/g, ''));
}

function keyedCall(operation: string, key: string, payload: unknown) {
  return { principal: actorReference(currentActor()), operation, key, payload };
}
