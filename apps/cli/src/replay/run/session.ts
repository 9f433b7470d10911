import type { SteelyardClient } from '#client';
import type { ApiAnswer, ApiCall, ApiClient, Refusal, Success } from './api-client.js';
import type { Tokens } from './api-types.js';

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

/** What a log-in comes to: who then calls, or why nobody does. */
type LogIn = Refusal | (Success<Tokens> & { readonly api: SteelyardClient });

/**
 * One user's log-in. It happens with the first request that needs it, and again when the access token has expired;
 * requests that run at the same time share it.
 */
export class Session {
  private logIn: Promise<LogIn> | undefined;

  constructor(
    private readonly client: ApiClient,
    private readonly credentials: Credentials,
  ) {}

  /** Logs in now, to learn whether that works. @throws ApiUnreachable, ReplayInterrupted */
  open({ isFirstContact = false } = {}): Promise<LogIn> {
    this.logIn ??= this.requestTokens(isFirstContact);
    return this.logIn;
  }

  /**
   * Sends a request as this user. When the user cannot log in, that is the answer.
   *
   * @throws ApiUnreachable, ReplayInterrupted
   */
  async send<Body>(call: ApiCall<Body>): Promise<ApiAnswer<Body>> {
    const current = this.open();
    const user = await current;
    if (!user.ok) return user;
    const answer = await this.client.send(call, { api: user.api });
    if (answer.status !== 401) return answer;
    // Whoever notices first that the access token has expired logs in for all.
    if (this.logIn === current) this.logIn = undefined;
    const again = await this.open();
    return again.ok ? this.client.send(call, { api: again.api }) : again;
  }

  /** Logs out, so that nothing is left behind. */
  async close(): Promise<void> {
    const user = await this.logIn;
    this.logIn = undefined;
    if (user?.ok !== true) return;
    const { refreshToken } = user.body;
    await this.client.send((api, init) =>
      api.POST('/api/v1/auth/logout', { ...init, body: { refreshToken } }),
    );
  }

  private async requestTokens(isFirstContact: boolean): Promise<LogIn> {
    const { email, password } = this.credentials;
    const answer = await this.client.send<Tokens>(
      (api, init) => api.POST('/api/v1/auth/login', { ...init, body: { email, password } }),
      { isFirstContact },
    );
    return answer.ok ? { ...answer, api: this.client.as(answer.body.accessToken) } : answer;
  }
}
