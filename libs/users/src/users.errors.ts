import { defineErrors, defineFieldCodes } from '#kernel';

/** Every error code of users, their log-ins and their sessions. */
export const usersErrors = defineErrors({
  email_taken: { kind: 'conflict', title: 'A user with this e-mail address exists already' },
  user_id_taken: { kind: 'conflict', title: 'A user with this id exists already' },
  user_not_found: { kind: 'not_found', title: 'There is no such user' },
  own_admin_role: { kind: 'conflict', title: 'Administrators cannot give up their own role' },
  own_account: {
    kind: 'conflict',
    title: 'Whoever erases themselves gives their password: see DELETE /users/me',
  },
  email_unchanged: { kind: 'conflict', title: 'The account has this e-mail address already' },
  last_admin: { kind: 'conflict', title: 'The last administrator can neither lose the role nor be erased' },
  email_not_proven: {
    kind: 'conflict',
    title: 'A higher role waits until the user has confirmed the e-mail address',
  },
  email_not_verified: {
    kind: 'forbidden',
    title:
      'The e-mail address is not confirmed yet: use the token that was mailed to it, or ask for one with ' +
      'POST /auth/resend-verification',
  },
  invalid_or_expired_token: { kind: 'invalid', title: 'The token is wrong, was used, or has expired' },
  wrong_password: { kind: 'forbidden', title: 'The password is wrong' },
  orders_open: { kind: 'conflict', title: 'Orders that are not at their end still need the person' },
  api_key_expiry_past: { kind: 'invalid', title: 'The end of an API key must lie in the future' },
  api_key_not_found: { kind: 'not_found', title: 'There is no such API key' },
  identity_not_found: { kind: 'not_found', title: 'No such log-in elsewhere opens the account' },
  session_not_found: { kind: 'not_found', title: 'There is no such session' },
  invalid_credentials: { kind: 'unauthenticated', title: 'The e-mail address or the password is wrong' },
  second_factor_required: {
    kind: 'forbidden',
    title: 'The password is right; this account asks for a second factor as well',
  },
  wrong_second_factor: { kind: 'forbidden', title: 'The second factor is wrong, or was used already' },
  no_second_factor: { kind: 'conflict', title: 'The account has no second factor' },
  no_passkey: { kind: 'conflict', title: 'The account has no passkey' },
  own_second_factor: {
    kind: 'conflict',
    title: 'Administrators remove their own second factors with a proof, as everybody does',
  },
  totp_enrolled: { kind: 'conflict', title: 'The account has an authenticator app already' },
  totp_not_pending: {
    kind: 'conflict',
    title: 'No authenticator app waits for its first code, or not any more: begin again',
  },
  totp_not_enrolled: { kind: 'not_found', title: 'The account has no authenticator app' },
  invalid_passkey: { kind: 'unauthenticated', title: 'The passkey opens no account here' },
  passkey_not_accepted: { kind: 'invalid', title: 'The passkey cannot be accepted' },
  passkey_not_found: { kind: 'not_found', title: 'There is no such passkey' },
  passkey_limit_reached: { kind: 'conflict', title: 'The account has as many passkeys as it may have' },
  invalid_refresh_token: {
    kind: 'unauthenticated',
    title: 'The refresh token is not valid, or not any more: log in again',
  },
  refresh_token_reused: {
    kind: 'unauthenticated',
    title:
      'The refresh token was replaced long ago; the session has ended in case it was stolen: log in again',
  },
});

defineFieldCodes({
  one_proof_required: 'One of `totp`, `recoveryCode` and `passkey` is needed',
  too_guessable: 'The password is one that anybody would guess first',
});
