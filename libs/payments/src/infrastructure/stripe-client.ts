import { AsyncLocalStorage } from 'node:async_hooks';
import Stripe from 'stripe';

export interface StripeClientOptions {
  readonly apiKey: string;
  /** Origin of the API, such as https://api.stripe.com or a simulator's. */
  readonly apiBase: string;
}

/** Bounds a call whose signal does not. */
const LONGEST_CALL_MS = 60_000;

/**
 * The official SDK, with two habits broken. It has no way to take an AbortSignal: here the signal of a call ends its
 * request, and closes the connection. And it sends a request again by itself after a broken connection, even when
 * told not to retry: with `fetch` underneath it does not, so that one call is one request.
 */
export class StripeClient {
  private readonly signals = new AsyncLocalStorage<AbortSignal>();
  private readonly stripe: Stripe;

  constructor({ apiKey, apiBase }: StripeClientOptions) {
    const { protocol, hostname, port } = new URL(apiBase);
    const isPlain = protocol === 'http:';
    this.stripe = new Stripe(apiKey, {
      protocol: isPlain ? 'http' : 'https',
      host: hostname,
      port: port || (isPlain ? 80 : 443),
      maxNetworkRetries: 0,
      timeout: LONGEST_CALL_MS,
      telemetry: false,
      httpClient: Stripe.createFetchHttpClient((url, init) => this.fetch(url, init)),
    });
  }

  /** Has `fn` call Stripe; whatever it waits for ends when `signal` fires. */
  async call<T>(signal: AbortSignal, fn: (stripe: Stripe) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    return this.signals.run(signal, () => fn(this.stripe));
  }

  private async fetch(url: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    const signals = [init.signal, this.signals.getStore()].filter((signal) => signal != null);
    return fetch(url, { ...init, redirect: 'error', signal: AbortSignal.any(signals) });
  }
}
