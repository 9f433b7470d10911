import { defineErrors, defineFieldCodes } from '#kernel';

/** Codes of the edge itself: what is refused before a use case is reached, and what is nobody's fault but ours. */
export const httpErrors = defineErrors({
  validation_failed: { kind: 'invalid', title: 'The request is not valid' },
  malformed_json: { kind: 'invalid', title: 'The body is not valid JSON' },
  malformed_request: { kind: 'invalid', title: 'The request cannot be understood' },
  route_not_found: { kind: 'not_found', title: 'There is nothing at this address' },
  method_not_allowed: { kind: 'method_not_allowed', title: 'This address does not know the method' },
  body_too_large: { kind: 'payload_too_large', title: 'The body is larger than 256 KiB' },
  unsupported_media_type: { kind: 'unsupported_media_type', title: 'The content type is not supported here' },
  if_match_required: {
    kind: 'precondition_required',
    title: 'This call needs an If-Match header with the ETag',
  },
  stale_etag: { kind: 'precondition_failed', title: 'The resource has changed since that ETag' },
  too_many_event_streams: {
    kind: 'too_many_requests',
    title: 'The caller, or their address, has as many event streams open as one may have',
  },
  deadline_exceeded: { kind: 'deadline_exceeded', title: 'The request did not finish in time' },
  service_unavailable: { kind: 'unavailable', title: 'The service cannot take this request now' },
  internal_error: { kind: 'internal', title: 'Something went wrong on our side' },
});

/** What can be wrong with a single field of any request. */
defineFieldCodes({
  required: 'It is missing',
  unknown_field: 'It is not known here',
  wrong_type: 'It is of another JSON type',
  not_allowed: 'It is none of the values that are possible',
  no_matching_form: 'It has none of the forms that are possible',
  invalid_format: 'It is not written as it must be',
  invalid_text: 'It holds NUL, or what is no Unicode',
  too_small: 'The number is too small',
  too_big: 'The number is too large',
  too_short: 'The text is too short',
  too_long: 'The text is too long',
  too_few_items: 'The list has too few items',
  too_many_items: 'The list, or the object, has too many items',
});
