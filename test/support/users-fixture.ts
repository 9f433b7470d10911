import { Clock, newId } from '#kernel';
import { DeliverMails } from '#platform/mail';
import { DemoUsers } from '#users';
import { Client } from 'pg';
import { type Answer, TestApp } from './test-app.js';

export const USERS = '/api/v1/users';
export const ME = '/api/v1/users/me';
export const SESSIONS = '/api/v1/users/me/sessions';
export const LOGIN = '/api/v1/auth/login';
export const REFRESH = '/api/v1/auth/refresh';
export const LOGOUT = '/api/v1/auth/logout';

const AUTH = '/api/v1/auth';
export const VERIFY_EMAIL = `${AUTH}/verify-email`;
export const RESEND_VERIFICATION = `${AUTH}/resend-verification`;
export const FORGOT_PASSWORD = `${AUTH}/forgot-password`;
export const RESET_PASSWORD = `${AUTH}/reset-password`;
export const CONFIRM_EMAIL_CHANGE = `${AUTH}/confirm-email-change`;
export const EMAIL_CHANGE = `${ME}/email-change`;

export const PASSWORD = 'correct horse battery';
export const DEMO_PASSWORD = 'steelyard-demo';

/** What neither JSON nor Unicode forbids, and PostgreSQL cannot store. */
export const NUL = '\u0000';
/** Half of a character. */
export const LONE_SURROGATE = '\ud800';
/** One character of two UTF-16 code units. */
export const EMOJI = '\u{1f40e}';

/** Somebody with an account and a session. */
export interface SignedIn {
  readonly id: string;
  readonly email: string;
  readonly token: string;
  readonly refreshToken: string;
}

/** As the mailbox of developers shows it. */
interface ReceivedMail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** One entry of a problem's `errors`. */
export interface FieldProblem {
  readonly pointer: string;
  readonly code: string;
}

/** A registration with an address of its own; a test names what matters to it. */
export function registration(overrides: object = {}) {
  return { email: `${newId()}@example.com`, password: PASSWORD, name: 'Ada Lovelace', ...overrides };
}

/** The claims of a token, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
}

/** One field of every row of a page. */
export function column({ body }: Answer, field: string): unknown[] {
  return (body.data as Record<string, unknown>[]).map((row) => row[field]);
}

/** The API with the demo accounts signed in, and what the tests of users do again and again. */
export class UsersFixture {
  customer!: SignedIn;
  staff!: SignedIn;
  admin!: SignedIn;

  private constructor(
    readonly app: TestApp,
    readonly sql: Client,
  ) {}

  static async start(settings: Record<string, string> = {}): Promise<UsersFixture> {
    const app = await TestApp.start(settings);
    const sql = new Client({ connectionString: app.database.url });
    await sql.connect();
    await app.app.get(DemoUsers).ensure();
    const fixture = new UsersFixture(app, sql);
    fixture.customer = await fixture.signIn('customer@example.com', DEMO_PASSWORD);
    fixture.staff = await fixture.signIn('staff@example.com', DEMO_PASSWORD);
    fixture.admin = await fixture.signIn('admin@example.com', DEMO_PASSWORD);
    return fixture;
  }

  async stop(): Promise<void> {
    await this.sql.end();
    await this.app.stop();
  }

  async signIn(email: string, password: string): Promise<SignedIn> {
    const { status, body } = await this.app.post(LOGIN, { email, password });
    expect(status).toBe(200);
    return { id: body.user.id, email, token: body.accessToken, refreshToken: body.refreshToken };
  }

  async registered(overrides: object = {}): Promise<SignedIn> {
    const person = registration(overrides);
    expect((await this.app.post(USERS, person)).status).toBe(201);
    return this.signIn(person.email, person.password);
  }

  /** Another administrator beside the demo one, at version 2. */
  async anotherAdmin(): Promise<SignedIn> {
    const { id, email } = await this.registered();
    expect((await this.put(`${USERS}/${id}/role`, { role: 'admin' }, this.admin)).status).toBe(200);
    return this.signIn(email, PASSWORD);
  }

  patch(path: string, body: unknown, { token }: { token: string }, version = 1): Promise<Answer> {
    return this.app.call('PATCH', path, { token, body, headers: { 'if-match': `"${version}"` } });
  }

  put(path: string, body: unknown, { token }: { token: string }, version = 1): Promise<Answer> {
    return this.app.call('PUT', path, { token, body, headers: { 'if-match': `"${version}"` } });
  }

  refresh(refreshToken: string): Promise<Answer> {
    return this.app.post(REFRESH, { refreshToken });
  }

  /** Delivers what is queued; the mails to an address, newest first. */
  async mailsTo(address: string): Promise<ReceivedMail[]> {
    while ((await this.app.app.get(DeliverMails).execute()) > 0);
    const { body } = await this.app.get('/dev/mailbox');
    return (body.data as ReceivedMail[]).filter(({ to }) => to === address);
  }

  /** Delivers what is queued; the token of the newest mail to an address that has one. */
  async tokenFor(address: string): Promise<string> {
    // Mails leave side by side: another one may have been faster.
    const tokens = (await this.mailsTo(address)).map(({ text }) => /^[\w-]{43}$/m.exec(text)?.[0]);
    return tokens.find((token) => token !== undefined)!;
  }

  /** The next refresh token. */
  async refreshed(refreshToken: string): Promise<string> {
    const { status, body } = await this.refresh(refreshToken);
    expect(status).toBe(200);
    return body.refreshToken as string;
  }

  /** Runs `fn` while the application's clock is `ms` ahead. */
  async later<T>(ms: number, fn: () => Promise<T>): Promise<T> {
    const clock = this.app.app.get(Clock);
    const now = clock.now.bind(clock);
    clock.now = () => new Date(now().getTime() + ms);
    try {
      return await fn();
    } finally {
      clock.now = now;
    }
  }

  /**
   * Every row that is held about users, the queued mails, and how many events and keyed calls there are.
   *
   * @param except tables of users that are left out
   */
  async stored(except: readonly string[] = []): Promise<unknown> {
    const { rows: tables } = await this.sql.query<{ name: string }>(
      `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'users' AND tablename <> ALL ($1)`,
      [except],
    );
    const contents = tables.map(
      ({ name }) => `(SELECT json_agg(t ORDER BY t::text) FROM users.${name} t) AS ${name}`,
    );
    const { rows } = await this.sql.query<object>(`
      SELECT ${contents.join(', ')},
             (SELECT json_agg(m ORDER BY id) FROM platform.mails m) AS mails,
             (SELECT count(*) FROM platform.outbox) AS events,
             (SELECT count(*) FROM platform.idempotency_keys) AS keys`);
    return rows[0];
  }

  /** Calls, and expects exactly this problem and that nothing was stored, but in the tables of users `except`. */
  async expectRefusal(
    call: () => Promise<Answer>,
    status: number,
    code: string,
    field?: FieldProblem,
    except: readonly string[] = [],
  ): Promise<void> {
    const before = await this.stored(except);
    const answer = await call();
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    if (field) expect(answer.body.errors).toContainEqual(expect.objectContaining(field));
    expect(await this.stored(except)).toEqual(before);
  }
}
