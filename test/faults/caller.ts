import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '#kernel';
import type { Answer as HttpAnswer } from '../support/test-app.js';

export type Role = 'customer' | 'staff' | 'admin';

/** A call that must have its effect once. It is sent again, as it is, until somebody says what came of it. */
export interface KeyedCall {
  readonly as: Role;
  readonly path: string;
  readonly body: object;
  readonly key: string;
}

/** What a client was told; without the headers, which nothing here asks for. */
export type Answer = Pick<HttpAnswer, 'status' | 'body'>;

/** A call that was answered with 2xx: from then on it must be true, whatever dies. */
export interface Told {
  readonly call: KeyedCall;
  readonly answer: Answer;
}

/** Longer than any request may take. */
const PATIENCE_MS = 20_000;
const RETRY_PAUSE_MS = 100;

/** Says that the same call may be answered differently later. */
const PASSING_STATUSES = new Set([202, 408, 425, 429]);

/** Tokens live for 15 minutes, and no part of a run lasts ten. */
const SIGN_IN_AFTER_MS = 5 * 60_000;

/** A new call, with a key that nobody has used before. */
export function keyedCall(as: Role, path: string, body: object): KeyedCall {
  return { as, path, body, key: newId() };
}

/** Whether a client that gets this answer has no reason to ask again. */
export function isFinal({ status, body }: Answer): boolean {
  if (status >= 500 || PASSING_STATUSES.has(status)) return false;
  return !(status === 409 && body.code === 'idempotency_in_progress');
}

/** The clients: they make calls, lose connections, try again with the same key, and remember what they were told. */
export class Caller {
  /** Every 2xx that any client ever got. */
  told: Told[] = [];
  /** Keyed calls that were made, each try counted. */
  sent = 0;
  private readonly tokens = new Map<Role, string>();
  private signedInAt = 0;

  constructor(readonly baseUrl: string) {}

  /** Signs the demo accounts in. Their tokens outlive restarts of the application. */
  async signIn(): Promise<void> {
    for (const role of ['customer', 'staff', 'admin'] as const) {
      const login = { email: `${role}@example.com`, password: 'steelyard-demo' };
      const answer = await this.request('POST', '/api/v1/auth/login', { body: login });
      if (answer?.status !== 200) throw new Error(`The ${role} cannot sign in: ${JSON.stringify(answer)}`);
      this.tokens.set(role, answer.body.accessToken as string);
    }
    this.signedInAt = performance.now();
  }

  /** Signs in again where the tokens have become old. */
  async staySignedIn(): Promise<void> {
    if (performance.now() - this.signedInAt > SIGN_IN_AFTER_MS) await this.signIn();
  }

  /** Sends a call once. Undefined: the connection broke, or nobody answered. */
  async send(call: KeyedCall, requestId = newId()): Promise<Answer | undefined> {
    const { as, path, body, key } = call;
    this.sent += 1;
    const answer = await this.request('POST', path, { as, body, key, requestId });
    if (answer && answer.status >= 200 && answer.status < 300) this.told.push({ call, answer });
    return answer;
  }

  /** Sends a call until it is answered for good, or `withinMs` have passed; the last answer there was. */
  async finish(call: KeyedCall, withinMs: number): Promise<Answer | undefined> {
    const deadline = performance.now() + withinMs;
    let last: Answer | undefined;
    for (;;) {
      last = (await this.send(call)) ?? last;
      if ((last && isFinal(last)) || performance.now() > deadline) return last;
      await delay(RETRY_PAUSE_MS);
    }
  }

  /** What an administrator sees at `path`. */
  read(path: string): Promise<Answer | undefined> {
    return this.request('GET', path, { as: 'admin' });
  }

  private async request(
    method: string,
    path: string,
    options: { as?: Role; body?: object; key?: string; requestId?: string },
  ): Promise<Answer | undefined> {
    const { as, body, key, requestId } = options;
    try {
      const response = await fetch(this.baseUrl + path, {
        method,
        headers: {
          ...(body && { 'content-type': 'application/json' }),
          ...(as && { authorization: `Bearer ${this.tokens.get(as) ?? ''}` }),
          ...(key !== undefined && { 'idempotency-key': key }),
          ...(requestId !== undefined && { 'x-request-id': requestId }),
        },
        body: body ? JSON.stringify(body) : null,
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
    } catch {
      return undefined;
    }
  }
}
