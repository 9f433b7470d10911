export { AdminServer } from './admin-server.js';
export { API_PREFIX } from './api-prefix.js';
export { closeHttpServer } from './close-http-server.js';
export { Endpoint, IdempotencyKey, OptionalIdempotencyKey } from './endpoint.js';
export { etagOf, type ExpectedVersions, matchesEtag, requireVersion, versionsFromIfMatch } from './etag.js';
export { EventStreams } from './event-streams/event-streams.js';
export { httpErrors } from './http.errors.js';
export { createHttpApplication, previewHttpApplication } from './http-application.js';
export { HttpModule } from './http.module.js';
export { buildOpenApi, serveOpenApi } from './openapi.js';
export {
  type FeedPage,
  feedPageSchema,
  type Page,
  pageQuerySchema,
  type PageRequest,
  pageSchema,
  Paginator,
} from './pagination.js';
export type { ProblemMembers } from './problem-members.js';
export { toJsonSchema } from './json-schema.js';
export { PROBES } from './probes.js';
export { KeepsRawBody, RawBody } from './raw-body.js';
export { STATUS_OF_KIND } from './problem.js';
export {
  dateSchema,
  emailSchema,
  idParamSchema,
  idSchema,
  MAX_REASON_LENGTH,
  moneySchema,
  newIdSchema,
  positiveMoneySchema,
  priceSchema,
  quantitySchema,
  reasonSchema,
  text,
  timeSchema,
} from './schemas.js';
export { takenInput } from './taken-input.js';
export { validationFailed } from './validation.pipe.js';
export { StreamsUpload, streamsUpload } from './streams-upload.js';
