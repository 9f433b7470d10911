export { closeHttpServer } from './close-http-server.js';
export { Endpoint, IdempotencyKey, OptionalIdempotencyKey, type EndpointOptions } from './endpoint.js';
export { etagOf, matchesEtag, versionFromIfMatch } from './etag.js';
export { httpErrors } from './http.errors.js';
export { API_PREFIX, createHttpApplication, previewHttpApplication } from './http-application.js';
export { HttpModule } from './http.module.js';
export { buildOpenApi, serveOpenApi } from './openapi.js';
export { type Page, pageQuerySchema, type PageRequest, pageSchema, Paginator } from './pagination.js';
export { problemSchema, STATUS_OF_KIND, toProblem } from './problem.js';
export {
  currencySchema,
  emailSchema,
  idParamSchema,
  idSchema,
  MAX_QUANTITY,
  moneySchema,
  newIdSchema,
  positiveMoneySchema,
  priceSchema,
  quantitySchema,
  text,
  timeSchema,
} from './schemas.js';
export { validationFailed } from './validation.pipe.js';
export { StreamsUpload, streamsUpload } from './streams-upload.js';
