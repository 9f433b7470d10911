import { defineErrors } from '#kernel';

export const securityErrors = defineErrors({
  authentication_required: { kind: 'unauthenticated', title: 'Log in and send the access token' },
  invalid_token: { kind: 'unauthenticated', title: 'The access token is not valid, or not any more' },
  forbidden: { kind: 'forbidden', title: 'You may not do this' },
  insufficient_aal: { kind: 'forbidden', title: 'This takes a log-in with a second factor' },
  rate_limited: { kind: 'too_many_requests', title: 'Too many requests' },
});
