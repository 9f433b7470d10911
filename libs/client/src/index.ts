import createClient, { type Client } from 'openapi-fetch';
import type { paths } from './generated/openapi.js';

export interface SteelyardClientOptions {
  /** Origin of the API, such as `http://127.0.0.1:3000`. */
  readonly baseUrl: string;
  /** Access token of whoever calls; none for the public part and for guests. */
  readonly token?: string;
}

/** Calls the API with the types of its contract: `client.GET('/api/v1/products/{id}', { params: { path: { id } } })`. */
export type SteelyardClient = Client<paths>;

export function createSteelyardClient({ baseUrl, token }: SteelyardClientOptions): SteelyardClient {
  return createClient<paths>({
    baseUrl,
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
  });
}
