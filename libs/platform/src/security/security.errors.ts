import { defineErrors } from '#kernel';

export const securityErrors = defineErrors({
  authentication_required: { kind: 'unauthenticated', title: 'Log in and send the access token' },
  invalid_token: { kind: 'unauthenticated', title: 'The access token is not valid, or not any more' },
  identity_email_unverified: {
    kind: 'forbidden',
    title: 'Your identity provider vouches for no e-mail address of yours, which a new account needs',
  },
  identity_email_taken: {
    kind: 'forbidden',
    title:
      'Another account has the e-mail address of this log-in: log in to that one with its password, and confirm the ' +
      'address if it is not, or choose a new password; accounts of staff, and those with a second factor, are not linked',
  },
  forbidden: { kind: 'forbidden', title: 'You may not do this' },
  insufficient_aal: { kind: 'forbidden', title: 'This takes a log-in with a second factor' },
  rate_limited: { kind: 'too_many_requests', title: 'Too many requests' },
});
