import { setTimeout as delay } from 'node:timers/promises';
import { createSteelyardClient, type SteelyardClient } from '#client';
import { ApiUnreachable, ReplayInterrupted } from './replay-errors.js';

/** Longer than any deadline of the server, so that it is the server that gives up first and says so. */
const ANSWER_TIMEOUT_MS = 60_000;

/** Tries of one request that fails in a way that may pass; the waits between them add up to some 20 seconds. */
const MAX_ATTEMPTS = 9;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/** How often one request obeys a rate limit. At a limit per minute this is patience for an hour and more. */
const MAX_RATE_LIMITED = 100;

/** What may go better a moment later. The server has refused it or may have done it: the key makes both safe. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);
const PASSING_CODES: ReadonlySet<string> = new Set(['idempotency_in_progress']);

/** What every call passes on to the typed client. */
export interface CallInit {
  readonly signal: AbortSignal;
  readonly redirect: 'error';
}

/** One request to the API, which must be safe to repeat: by its nature, or by its idempotency key. */
export type ApiCall<Body> = (
  api: SteelyardClient,
  init: CallInit,
) => Promise<{ data?: Body; error?: unknown; response: Response }>;

/** The body of a success. */
export interface Success<Body> {
  readonly ok: true;
  readonly status: number;
  readonly body: Body;
  /** Whether it is the stored answer of an earlier call with the same idempotency key. */
  readonly isReplayed: boolean;
}

/** A problem, by its code. */
export interface Refusal {
  readonly ok: false;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

export type ApiAnswer<Body> = Success<Body> | Refusal;

export interface ApiClientOptions {
  /** Scheme, host and port, and the path below which the API is, if any. */
  readonly baseUrl: string;
  /** Ends the replay: no request begins after it, those in flight are awaited, waits are cut short. */
  readonly signal: AbortSignal;
  /** Told each time that a rate limit makes a request wait. */
  readonly onRateLimited?: () => void;
}

export interface SendOptions {
  /** Who calls; nobody in particular by default. */
  readonly api?: SteelyardClient;
  /** Fails on the first error of the network, to say at once that there is no server. */
  readonly isFirstContact?: boolean;
}

/** Calls the REST API, and calls again where that may help. Connections are kept open and used again. */
export class ApiClient {
  private readonly anonymous: SteelyardClient;

  constructor(private readonly options: ApiClientOptions) {
    this.anonymous = createSteelyardClient({ baseUrl: options.baseUrl });
  }

  /** The API as whoever the access token belongs to calls it. */
  as(accessToken: string): SteelyardClient {
    return createSteelyardClient({ baseUrl: this.options.baseUrl, token: accessToken });
  }

  /**
   * Sends a request until its answer is final.
   *
   * @throws ApiUnreachable when nothing answers
   * @throws ReplayInterrupted when the replay is to stop
   */
  async send<Body>(call: ApiCall<Body>, options: SendOptions = {}): Promise<ApiAnswer<Body>> {
    const { api = this.anonymous, isFirstContact = false } = options;
    let attempts = 0;
    let rateLimited = 0;
    for (;;) {
      this.throwIfInterrupted();
      attempts += 1;
      const backoffMs = Math.min(FIRST_WAIT_MS * 2 ** (attempts - 1), LONGEST_WAIT_MS);
      const isLast = isFirstContact || attempts >= MAX_ATTEMPTS;
      const reply = await this.attempt(() => call(api, callInit()), isLast);
      if (reply === undefined) {
        await this.wait(backoffMs);
      } else if (reply.answer.status === 429 && rateLimited < MAX_RATE_LIMITED) {
        attempts -= 1;
        rateLimited += 1;
        this.options.onRateLimited?.();
        await this.wait(Math.max(reply.retryAfterMs, FIRST_WAIT_MS));
      } else if (mayPass(reply.answer) && attempts < MAX_ATTEMPTS) {
        await this.wait(Math.max(reply.retryAfterMs, backoffMs));
      } else {
        return reply.answer;
      }
    }
  }

  /** Waits, unless the replay is to stop. @throws ReplayInterrupted */
  async wait(durationMs: number): Promise<void> {
    // Those who wait for the same reason do not come back all at once.
    const jitteredMs = durationMs * (1 + Math.random() / 4);
    await delay(jitteredMs, undefined, { signal: this.options.signal }).catch((error: unknown) => {
      this.throwIfInterrupted();
      throw error;
    });
  }

  /** @throws ReplayInterrupted */
  throwIfInterrupted(): void {
    if (this.options.signal.aborted) throw new ReplayInterrupted();
  }

  /** One try; undefined after an error of the network that may pass. */
  private async attempt<Body>(
    call: () => ReturnType<ApiCall<Body>>,
    isLast: boolean,
  ): Promise<Reply<Body> | undefined> {
    try {
      const { data, error, response } = await call();
      const retryAfterMs = retryAfterMsOf(response.headers.get('retry-after'));
      return { answer: toAnswer(data, error, response), retryAfterMs };
    } catch (error) {
      if (!isLast) return undefined;
      throw new ApiUnreachable(`Nothing answers at ${this.options.baseUrl} (${reasonOf(error)}).`, {
        cause: error,
      });
    }
  }
}

interface Reply<Body> {
  readonly answer: ApiAnswer<Body>;
  /** What the server asks to wait, 0 when it does not ask. */
  readonly retryAfterMs: number;
}

function callInit(): CallInit {
  return { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS), redirect: 'error' };
}

function toAnswer<Body>(data: Body | undefined, error: unknown, response: Response): ApiAnswer<Body> {
  const { ok, status, statusText, headers } = response;
  if (ok)
    return { ok, status, body: data as Body, isReplayed: headers.get('idempotency-replayed') === 'true' };
  const isProblem = headers.get('content-type')?.startsWith('application/problem+json') === true;
  // What stands between us and the API answers in its own words.
  if (!isProblem) return { ok: false, status, code: `http_${status}`, detail: statusText };
  const { code, detail } = error as { code: string; detail: string };
  return { ok: false, status, code, detail };
}

function mayPass(answer: ApiAnswer<unknown>): boolean {
  return !answer.ok && (PASSING_STATUSES.has(answer.status) || PASSING_CODES.has(answer.code));
}

/** Seconds, as the API writes it; the other form, a date, counts as no wish. */
function retryAfterMsOf(header: string | null): number {
  return header !== null && /^\d{1,5}$/.test(header) ? Number(header) * 1000 : 0;
}

/** The code of the system where there is one (ECONNREFUSED): fetch itself says no more than that it failed. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown } };
  if (typeof cause?.code === 'string') return cause.code;
  return error instanceof Error ? error.message : String(error);
}
