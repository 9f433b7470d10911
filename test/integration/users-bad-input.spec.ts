import { newId } from '#kernel';
import { Config } from '#platform/config';
import { MAX_REASON_LENGTH } from '#platform/http';
import { generateSigningKeys } from '#platform/security';
import { importJWK, type JWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import type { CallOptions } from '../support/test-app.js';
import {
  CONFIRM_EMAIL_CHANGE,
  DEMO_PASSWORD,
  EMAIL_CHANGE,
  FORGOT_PASSWORD,
  RESEND_VERIFICATION,
  RESET_PASSWORD,
  VERIFY_EMAIL,
  LOGIN,
  LOGOUT,
  ME,
  PASSWORD,
  REFRESH,
  SESSIONS,
  USERS,
  claimsOf,
  registration,
  EMOJI,
  LONE_SURROGATE,
  NUL,
  type FieldProblem,
  UsersFixture,
} from '../support/users-fixture.js';

let users: UsersFixture;

beforeAll(async () => {
  users = await UsersFixture.start();
});

afterAll(() => users.stop());

describe('a body', () => {
  const BODIES: [string, (valid: object) => CallOptions, number, string, FieldProblem?][] = [
    ['malformed', () => ({ body: '{"email": ' }), 400, 'malformed_json'],
    ['empty', () => ({ body: '' }), 400, 'malformed_json'],
    ['not JSON', () => ({ body: 'email=a@example.com' }), 400, 'malformed_json'],
    ['nested without end', () => ({ body: '['.repeat(100_000) }), 400, 'malformed_json'],
    ['polluting the prototype', () => ({ body: '{"__proto__": {"role": "admin"}}' }), 400, 'malformed_json'],
    ['an array', () => ({ body: '[]' }), 400, 'validation_failed', { pointer: '', code: 'wrong_type' }],
    ['a string', () => ({ body: '"text"' }), 400, 'validation_failed', { pointer: '', code: 'wrong_type' }],
    ['a number', () => ({ body: '1e999' }), 400, 'validation_failed', { pointer: '', code: 'wrong_type' }],
    [
      'with an unknown field',
      (valid) => ({ body: { ...valid, isAdmin: true } }),
      400,
      'validation_failed',
      { pointer: '/isAdmin', code: 'unknown_field' },
    ],
    [
      'plain text',
      (valid) => ({ body: JSON.stringify(valid), headers: { 'content-type': 'text/plain' } }),
      415,
      'unsupported_media_type',
    ],
    [
      'a form',
      () => ({ body: 'name=a', headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
      415,
      'unsupported_media_type',
    ],
    ['over 256 KiB', () => ({ body: { name: 'a'.repeat(262_145) } }), 413, 'body_too_large'],
  ];
  const ENDPOINTS: [string, string, () => string, () => object, () => string | undefined][] = [
    ['register', 'POST', () => USERS, () => registration(), () => undefined],
    ['log-in', 'POST', () => LOGIN, () => ({ email: users.customer.email, password: 'x' }), () => undefined],
    ['refresh', 'POST', () => REFRESH, () => ({ refreshToken: 'x' }), () => undefined],
    ['log-out', 'POST', () => LOGOUT, () => ({ refreshToken: 'x' }), () => undefined],
    ['verification', 'POST', () => VERIFY_EMAIL, () => ({ token: 'x', password: PASSWORD }), () => undefined],
    ['another token', 'POST', () => RESEND_VERIFICATION, () => ({ email: 'a@b.com' }), () => undefined],
    ['forgotten password', 'POST', () => FORGOT_PASSWORD, () => ({ email: 'a@b.com' }), () => undefined],
    [
      'new password',
      'POST',
      () => RESET_PASSWORD,
      () => ({ token: 'x', password: PASSWORD }),
      () => undefined,
    ],
    [
      'confirmed change',
      'POST',
      () => CONFIRM_EMAIL_CHANGE,
      () => ({ token: 'x', password: PASSWORD }),
      () => undefined,
    ],
    [
      'change of address',
      'POST',
      () => EMAIL_CHANGE,
      () => ({ email: 'a@b.com', password: DEMO_PASSWORD }),
      () => users.customer.token,
    ],
    ['my profile', 'PATCH', () => ME, () => ({ name: 'New' }), () => users.customer.token],
    [
      'a user',
      'PATCH',
      () => `${USERS}/${users.customer.id}`,
      () => ({ name: 'New' }),
      () => users.admin.token,
    ],
  ];
  const CASES = ENDPOINTS.flatMap((endpoint) =>
    BODIES.map((body) => [body[0], endpoint[0], endpoint, body] as const),
  );

  it.each(CASES)('that is %s is refused by: %s', async (_body, _endpoint, endpoint, bad) => {
    const [, method, path, valid, token] = endpoint;
    const [, make, status, code, field] = bad;
    const { headers, ...rest } = make(valid());
    const options = { token: token(), headers: { 'if-match': '"1"', ...headers }, ...rest };
    await users.expectRefusal(() => users.app.call(method, path(), options), status, code, field);
  });
});

describe('a field', () => {
  const text = (pointer: string, maxLength: number): [unknown, FieldProblem][] => [
    ['', { pointer, code: 'too_short' }],
    ['  \t ', { pointer, code: 'too_short' }],
    ['a'.repeat(maxLength + 1), { pointer, code: 'too_long' }],
    [`a${NUL}b`, { pointer, code: 'invalid_text' }],
    [`a${LONE_SURROGATE}b`, { pointer, code: 'invalid_text' }],
    [1e300, { pointer, code: 'wrong_type' }],
    [null, { pointer, code: 'wrong_type' }],
    [true, { pointer, code: 'wrong_type' }],
    [['a'], { pointer, code: 'wrong_type' }],
    [{ a: 1 }, { pointer, code: 'wrong_type' }],
  ];
  const name: [unknown, FieldProblem][] = [
    ...text('/name', 200),
    ...[
      ...[
        'Ada\nLovelace',
        'Ada\r\n\r\nPay at once',
        'Ada\tLovelace',
        'Ada\u2028Lovelace',
        'Ada\u2029L',
        'A\u0085L',
      ],
      ...['see https://pay.example/now', 'see ftp://x', 'WWW.pay.example', 'Ada\u001b[2J'],
    ].map((value): [unknown, FieldProblem] => [value, { pointer: '/name', code: 'invalid_text' }]),
  ];
  const email = (pointer: string): [unknown, FieldProblem][] => [
    ['', { pointer, code: 'too_short' }],
    ['ada', { pointer, code: 'invalid_format' }],
    ['ada@', { pointer, code: 'invalid_format' }],
    ['ada@localhost', { pointer, code: 'invalid_format' }],
    ['ada@exa mple.com', { pointer, code: 'invalid_format' }],
    ['ada@example.com, bob@example.com', { pointer, code: 'invalid_format' }],
    ['ada@exämple.com', { pointer, code: 'invalid_format' }],
    [`${'a'.repeat(250)}@example.com`, { pointer, code: 'too_long' }],
    [`ada${NUL}@example.com`, { pointer, code: 'invalid_text' }],
    [`ada${LONE_SURROGATE}@example.com`, { pointer, code: 'invalid_text' }],
    [1, { pointer, code: 'wrong_type' }],
    [null, { pointer, code: 'wrong_type' }],
    [['ada@example.com'], { pointer, code: 'wrong_type' }],
    [undefined, { pointer, code: 'required' }],
  ];
  const newPassword: [unknown, FieldProblem][] = [
    ['', { pointer: '/password', code: 'too_short' }],
    ['a'.repeat(9), { pointer: '/password', code: 'too_short' }],
    [EMOJI.repeat(9), { pointer: '/password', code: 'too_short' }],
    ['e\u0301'.repeat(9), { pointer: '/password', code: 'too_short' }],
    ['password123', { pointer: '/password', code: 'too_guessable' }],
    ['a'.repeat(129), { pointer: '/password', code: 'too_long' }],
    [EMOJI.repeat(129), { pointer: '/password', code: 'too_long' }],
    ['a'.repeat(200_000), { pointer: '/password', code: 'too_long' }],
    [`0123456789${LONE_SURROGATE}`, { pointer: '/password', code: 'invalid_text' }],
    [1_234_567_890, { pointer: '/password', code: 'wrong_type' }],
    [null, { pointer: '/password', code: 'wrong_type' }],
    [undefined, { pointer: '/password', code: 'required' }],
  ];
  const claimedPassword: [unknown, FieldProblem][] = [
    ['', { pointer: '/password', code: 'too_short' }],
    ['a'.repeat(1_025), { pointer: '/password', code: 'too_long' }],
    [LONE_SURROGATE, { pointer: '/password', code: 'invalid_text' }],
    [{}, { pointer: '/password', code: 'wrong_type' }],
    [undefined, { pointer: '/password', code: 'required' }],
  ];
  const id: [unknown, FieldProblem][] = [
    ['ada', { pointer: '/id', code: 'invalid_format' }],
    ['9b2f1f7e-3d2c-4f5a-8b1d-0c9e8f7a6b5c', { pointer: '/id', code: 'invalid_format' }],
    [42, { pointer: '/id', code: 'wrong_type' }],
    [null, { pointer: '/id', code: 'wrong_type' }],
  ];
  const role: [unknown, FieldProblem][] = [
    ['root', { pointer: '/role', code: 'not_allowed' }],
    ['Admin', { pointer: '/role', code: 'not_allowed' }],
    [['admin'], { pointer: '/role', code: 'not_allowed' }],
    [null, { pointer: '/role', code: 'not_allowed' }],
  ];
  const smuggledRole: [unknown, FieldProblem][] = [['admin', { pointer: '/role', code: 'unknown_field' }]];

  const register = (change: object) => users.app.post(USERS, registration(change));
  const login = (change: object) =>
    users.app.post(LOGIN, { email: users.customer.email, password: PASSWORD, ...change });
  const mailedToken: [unknown, FieldProblem][] = [
    ['', { pointer: '/token', code: 'too_short' }],
    ['a'.repeat(513), { pointer: '/token', code: 'too_long' }],
    [1e300, { pointer: '/token', code: 'wrong_type' }],
    [null, { pointer: '/token', code: 'wrong_type' }],
    [['token'], { pointer: '/token', code: 'wrong_type' }],
    [undefined, { pointer: '/token', code: 'required' }],
  ];
  const verify = (change: object) =>
    users.app.post(VERIFY_EMAIL, { token: 'x', password: PASSWORD, ...change });
  const resend = (change: object) => users.app.post(RESEND_VERIFICATION, change);
  const forgot = (change: object) => users.app.post(FORGOT_PASSWORD, change);
  const reset = (change: object) =>
    users.app.post(RESET_PASSWORD, { token: 'x', password: PASSWORD, ...change });
  const confirm = (change: object) =>
    users.app.post(CONFIRM_EMAIL_CHANGE, { token: 'x', password: PASSWORD, ...change });
  const changeEmail = (change: object) =>
    users.app.post(
      EMAIL_CHANGE,
      { email: 'new@example.com', password: DEMO_PASSWORD, ...change },
      { token: users.customer.token },
    );
  const updateMe = (change: object) => users.patch(ME, change, users.customer);
  const updateUser = (change: object) => users.patch(`${USERS}/${users.customer.id}`, change, users.admin);
  const changeRole = (change: object) => users.put(`${USERS}/${users.customer.id}/role`, change, users.admin);
  const eraseUser = (body: object) =>
    users.app.call('DELETE', `${USERS}/${users.customer.id}`, { token: users.admin.token, body });
  const CASES = [
    ...email('/email').map((row) => ['registration', 'email', register, ...row] as const),
    ...newPassword.map((row) => ['registration', 'password', register, ...row] as const),
    ...name.map((row) => ['registration', 'name', register, ...row] as const),
    ...id.map((row) => ['registration', 'id', register, ...row] as const),
    ...smuggledRole.map((row) => ['registration', 'role', register, ...row] as const),
    ...email('/email').map((row) => ['log-in', 'email', login, ...row] as const),
    ...claimedPassword.map((row) => ['log-in', 'password', login, ...row] as const),
    ...mailedToken.map((row) => ['verification', 'token', verify, ...row] as const),
    ...claimedPassword.map((row) => ['verification', 'password', verify, ...row] as const),
    ...email('/email').map((row) => ['request for another token', 'email', resend, ...row] as const),
    ...email('/email').map((row) => ['request for a new password', 'email', forgot, ...row] as const),
    ...mailedToken.map((row) => ['new password', 'token', reset, ...row] as const),
    ...newPassword.map((row) => ['new password', 'password', reset, ...row] as const),
    ...mailedToken.map((row) => ['confirmed change of address', 'token', confirm, ...row] as const),
    ...claimedPassword.map((row) => ['confirmed change of address', 'password', confirm, ...row] as const),
    ...email('/email').map((row) => ['change of address', 'email', changeEmail, ...row] as const),
    ...claimedPassword.map((row) => ['change of address', 'password', changeEmail, ...row] as const),
    ...name.map((row) => ['profile', 'name', updateMe, ...row] as const),
    ...smuggledRole.map((row) => ['profile', 'role', updateMe, ...row] as const),
    ...name.map((row) => ['user', 'name', updateUser, ...row] as const),
    ...email('/email')
      .filter(([value]) => value !== undefined)
      .map((row) => ['user', 'email', updateUser, ...row] as const),
    ...smuggledRole.map((row) => ['user', 'role', updateUser, ...row] as const),
    ...role.map((row) => ['role', 'role', changeRole, ...row] as const),
    ...text('/reason', MAX_REASON_LENGTH).map((row) => ['erasure', 'reason', eraseUser, ...row] as const),
  ].map(([where, name, call, value, field]) => {
    const shown = value === undefined ? 'absent' : JSON.stringify(value);
    return [where, name, shown.length > 60 ? `${shown.slice(0, 60)}…` : shown, call, value, field] as const;
  });

  it.each(CASES)('of a %s is refused: %s %s', async (_where, name, _shown, call, value, field) => {
    await users.expectRefusal(() => call({ [name]: value }), 400, 'validation_failed', field);
  });

  it.each([
    ['too long', 'k'.repeat(256)],
    ['empty', '""'],
    ['not ASCII', 'schl\u00fcssel'],
  ])('of the header Idempotency-Key is refused when it is %s', async (_, key) => {
    const headers = { 'idempotency-key': key };
    await users.expectRefusal(
      () => users.app.post(USERS, registration(), { headers }),
      400,
      'idempotency_key_invalid',
    );
  });
});

describe('an access token', () => {
  /** A token as the application would sign it, but for the given differences. */
  async function signed(
    claims: JWTPayload = {},
    header: Partial<JWTHeaderParameters> = {},
    keys = users.app.app.get(Config).settings.SIGNING_KEYS!,
  ): Promise<string> {
    const [key] = (JSON.parse(keys) as { keys: JWK[] }).keys;
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({
      sub: users.admin.id,
      sid: claimsOf(users.admin.token)['sid'],
      role: 'admin',
      iss: 'steelyard',
      aud: 'steelyard',
      iat: now,
      nbf: now,
      exp: now + 900,
      ...claims,
    })
      .setProtectedHeader({ alg: 'EdDSA', kid: key!.kid!, typ: 'at+jwt', ...header })
      .sign(await importJWK(key!, 'EdDSA'));
  }

  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const minuteAgo = () => Math.floor(Date.now() / 1000) - 60;

  const FORGERIES: [string, () => string | Promise<string>][] = [
    [
      'expired',
      () => users.later(-3_600_000, async () => (await users.signIn(users.admin.email, DEMO_PASSWORD)).token),
    ],
    ['expired a minute ago', () => signed({ exp: minuteAgo() })],
    ['not valid yet', () => signed({ nbf: minuteAgo() + 600 })],
    ['meant for somebody else', () => signed({ aud: 'another' })],
    ['issued by somebody else', () => signed({ iss: 'another' })],
    ['of another type', () => signed({}, { typ: 'JWT' })],
    ['of an unknown role', () => signed({ role: 'root' })],
    ['without a subject', () => signed({ sub: undefined })],
    ['without an expiry', () => signed({ exp: undefined })],
    ['signed by another key', async () => signed({}, {}, await generateSigningKeys())],
    [
      'signed by another key under our kid',
      async () => {
        const { keys } = (await users.app.get('/.well-known/jwks.json')).body;
        return signed({}, { kid: keys[0].kid }, await generateSigningKeys());
      },
    ],
    [
      'unsigned, with alg none',
      async () => `${encode({ alg: 'none', typ: 'at+jwt' })}.${(await signed()).split('.')[1]}.`,
    ],
    [
      'signed with the public key as a shared secret',
      async () => {
        const { keys } = (await users.app.get('/.well-known/jwks.json')).body;
        const payload = claimsOf(await signed());
        return new SignJWT(payload)
          .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: keys[0].kid })
          .sign(Buffer.from(keys[0].x, 'base64url'));
      },
    ],
    [
      'changed after it was signed',
      () => {
        const [header, , signature] = users.customer.token.split('.');
        const changed = encode({ ...claimsOf(users.customer.token), role: 'admin' });
        return [header, changed, signature].join('.');
      },
    ],
    ['cut', () => users.admin.token.slice(0, -10)],
    ['a refresh token', () => users.admin.refreshToken],
    ['no token', () => 'token'],
    ['very long', () => 'a'.repeat(8_000)],
  ];

  it('that is as it should be opens the door', async () => {
    expect((await users.app.get(USERS, { token: await signed() })).status).toBe(200);
  });

  it.each(FORGERIES)('that is %s opens no door', async (_, forge) => {
    const token = await forge();
    const call = (method: string, path: string, body?: object) => () =>
      users.app.call(method, path, { token, body, headers: { 'if-match': '"1"' } });
    await users.expectRefusal(call('GET', ME), 401, 'invalid_token');
    await users.expectRefusal(call('GET', USERS), 401, 'invalid_token');
    await users.expectRefusal(
      call('PUT', `${USERS}/${users.customer.id}/role`, { role: 'admin' }),
      401,
      'invalid_token',
    );
  });

  it.each([['Basic YWRhOmFkYQ=='], ['Bearer'], ['Bearer a b'], ['']])(
    'is not found in "Authorization: %s"',
    async (authorization) => {
      await users.expectRefusal(
        () => users.app.get(ME, { headers: { authorization } }),
        401,
        'invalid_token',
      );
    },
  );

  it('of a user who does not exist finds nobody', async () => {
    const token = await signed({ sub: newId() });
    await users.expectRefusal(() => users.app.get(ME, { token }), 401, 'invalid_token');
    await users.expectRefusal(() => users.patch(ME, { name: 'New' }, { token }), 401, 'invalid_token');
  });

  const GUARDED: [string, () => string, 'customer' | 'staff' | 'admin'][] = [
    ['GET', () => ME, 'customer'],
    ['PATCH', () => ME, 'customer'],
    ['POST', () => EMAIL_CHANGE, 'customer'],
    ['GET', () => SESSIONS, 'customer'],
    ['DELETE', () => SESSIONS, 'customer'],
    ['DELETE', () => `${SESSIONS}/${newId()}`, 'customer'],
    ['GET', () => USERS, 'staff'],
    ['GET', () => `${USERS}/${users.customer.id}`, 'staff'],
    ['PATCH', () => `${USERS}/${users.customer.id}`, 'staff'],
    ['PUT', () => `${USERS}/${users.customer.id}/role`, 'admin'],
    ['DELETE', () => `${USERS}/${users.customer.id}`, 'admin'],
  ];

  it.each(GUARDED)('is needed for %s %s, with at least the role %s', async (method, path, role) => {
    const body = method === 'PATCH' || method === 'POST' ? { name: 'New' } : undefined;
    const call = (token?: string) => () => users.app.call(method, path(), { token, body });
    await users.expectRefusal(call(), 401, 'authentication_required');
    if (role !== 'customer') await users.expectRefusal(call(users.customer.token), 403, 'forbidden');
    if (role === 'admin') await users.expectRefusal(call(users.staff.token), 403, 'forbidden');
  });
});
