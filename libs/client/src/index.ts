import createClient, { type Client } from 'openapi-fetch';
import type { paths } from './generated/openapi.js';

export interface SteelyardClientOptions {
  /** Origin of the API, such as `http://127.0.0.1:3000`. */
  readonly baseUrl: string;
  /**
   * Access token of whoever calls; none for the public part and for guests. A function is asked before each call, since
   * access tokens live for minutes: it returns the one of now, or refreshes it first.
   */
  readonly token?: string | (() => string | undefined | Promise<string | undefined>);
}

/** Calls the API with the types of its contract: `client.GET('/api/v1/products/{id}', { params: { path: { id } } })`. */
export type SteelyardClient = Client<paths>;

export function createSteelyardClient({ baseUrl, token }: SteelyardClientOptions): SteelyardClient {
  const client = createClient<paths>({ baseUrl });
  client.use({
    async onRequest({ request }) {
      const current = typeof token === 'function' ? await token() : token;
      if (current !== undefined && !request.headers.has('authorization')) {
        request.headers.set('authorization', `Bearer ${current}`);
      }
    },
  });
  return client;
}
