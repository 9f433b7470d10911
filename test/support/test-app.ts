import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AdminServer } from '#platform/http';
import { createApi } from '../../apps/api/src/create-api.js';
import { createTestDatabase, type TestDatabase } from './test-database.js';
import { testSettings } from './test-settings.js';

/** One answer, with its body parsed where it is JSON. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test says in its expectations what the shape is
  readonly body: any;
}

export interface CallOptions {
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** The whole API on a database of its own, listening on a free port. */
export class TestApp {
  private constructor(
    readonly app: NestFastifyApplication,
    readonly database: TestDatabase,
    readonly baseUrl: string,
    private readonly adminPort: number | undefined,
  ) {}

  static async start(overrides: Record<string, string> = {}): Promise<TestApp> {
    const database = await createTestDatabase();
    const settings = await testSettings({ DATABASE_URL: database.url, ...overrides });
    const app = await createApi(settings);
    await app.listen(settings.PORT, '127.0.0.1');
    return new TestApp(app, database, await app.getUrl(), await app.get(AdminServer).listen());
  }

  /** The same application by its port for admins, which it must have been started with. */
  onAdminPort(): TestApp {
    return new TestApp(this.app, this.database, `http://127.0.0.1:${this.adminPort}`, this.adminPort);
  }

  /** Calls a path below the origin, such as `/api/v1/products`; a string body is sent as it is. */
  async call(method: string, path: string, { token, body, headers = {} }: CallOptions = {}): Promise<Answer> {
    const response = await fetch(this.baseUrl + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const type = response.headers.get('content-type') ?? '';
    // What has no end cannot be waited for.
    if (type.startsWith('text/event-stream')) await response.body?.cancel();
    const text = response.bodyUsed ? '' : await response.text();
    const isJson = type.includes('json');
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  get(path: string, options?: CallOptions): Promise<Answer> {
    return this.call('GET', path, options);
  }

  post(path: string, body: unknown, options: CallOptions = {}): Promise<Answer> {
    return this.call('POST', path, { body, ...options });
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.database.drop();
  }
}
