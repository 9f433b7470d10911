import type { LookupFunction } from 'node:net';
import { buildConnector, Client, type Dispatcher } from 'undici';
import { askNameServers, type LookUp } from './look-up.js';
import { OutboundFailure, toOutboundFailure } from './outbound-failure.js';
import { findTargetProblems, type TargetPolicy, type TargetProblem } from './target-policy.js';

export interface OutboundRequest {
  /** Chosen by somebody else, and not trusted. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** How long the whole may take, where that is less than the client's own bound. */
  readonly timeoutMs?: number | undefined;
}

export interface OutboundAnswer {
  /** A redirect is an answer like any other: nobody follows it. */
  readonly status: number;
  /** The beginning of the body as UTF-8: 4 KiB at most, and no more than what comes soon after the headers. */
  readonly body: string;
  /** There was more of the body, or it broke off, or took too long. */
  readonly isBodyCut: boolean;
  /** The header `Retry-After` as it came, where there was one. */
  readonly retryAfter: string | undefined;
}

export interface OutboundTimeouts {
  /** The look-up and the connection, with its TLS. */
  readonly connectMs: number;
  /** The body, once the headers are there. */
  readonly bodyMs: number;
  /** All of it: until then the target has time to answer. */
  readonly wholeMs: number;
}

export interface OutboundClientOptions {
  readonly policy: TargetPolicy;
  readonly timeouts?: OutboundTimeouts;
  /** Asks name servers unless told. */
  readonly lookUp?: LookUp;
}

const DEFAULT_TIMEOUTS: OutboundTimeouts = { connectMs: 5_000, bodyMs: 1_000, wholeMs: 15_000 };
/** Leaves time to connect to what was found. */
const LOOK_UP_TIMEOUT_MS = 3_000;
/** Enough to see what is wrong. Nobody waits for what comes after that. */
const MAX_BODY_BYTES = 4 * 1_024;

/**
 * Calls URLs that other people have configured, and cannot be led to where only we may go (server-side request
 * forgery). The addresses that a name leads to are checked inside the look-up of the connection itself, so that no
 * second look-up can lead elsewhere (DNS rebinding); each call has a connection of its own, and so a check of its
 * own. Proxies of the environment are not used.
 */
export class OutboundClient {
  private readonly policy: TargetPolicy;
  private readonly timeouts: OutboundTimeouts;
  private readonly connect: buildConnector.connector;

  constructor({
    policy,
    timeouts = DEFAULT_TIMEOUTS,
    lookUp = askNameServers({ timeoutMs: LOOK_UP_TIMEOUT_MS }),
  }: OutboundClientOptions) {
    this.policy = policy;
    this.timeouts = timeouts;
    this.connect = buildConnector({
      allowH2: false,
      // Asks for all addresses at once.
      autoSelectFamily: true,
      lookup: guardedLookup(policy, lookUp),
      timeout: timeouts.connectMs,
    });
  }

  /** All that is wrong with a URL, to refuse it when somebody enters it; empty when it may be tried. */
  problemsOf(url: string): TargetProblem[] {
    return findTargetProblems(url, this.policy);
  }

  /**
   * Posts to a URL. A target that accepts and then hangs or drips in its body has answered: its status counts, and
   * nobody waits for the rest.
   *
   * @throws OutboundFailure when there is no answer
   * @throws the reason of `signal` when that fires first
   */
  async post(
    { url, headers, body, timeoutMs = Infinity }: OutboundRequest,
    signal: AbortSignal,
  ): Promise<OutboundAnswer> {
    signal.throwIfAborted();
    const { bodyMs, wholeMs } = this.timeouts;
    if (this.problemsOf(url).length > 0) throw new OutboundFailure('target_not_allowed');
    const { origin, pathname, search } = new URL(url);
    // The headers have as long as the whole.
    const client = new Client(origin, { connect: this.connect, headersTimeout: 0 });
    try {
      const response = await client.request({
        method: 'POST',
        path: pathname + search,
        headers,
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(Math.min(timeoutMs, wholeMs))]),
      });
      const read = await readBeginning(response.body, bodyMs);
      signal.throwIfAborted();
      const { 'retry-after': retryAfter } = response.headers;
      return { status: response.statusCode, ...read, retryAfter: [retryAfter].flat()[0] };
    } catch (error) {
      signal.throwIfAborted();
      throw toOutboundFailure(error);
    } finally {
      await client.destroy();
    }
  }
}

/** Fails for a name of which a single address is not allowed: which one is connected to is not ours to choose. */
function guardedLookup({ mayReach }: TargetPolicy, lookUp: LookUp): LookupFunction {
  const allowedAddressesOf: LookUp = async (hostname) => {
    const addresses = await lookUp(hostname);
    if (addresses.every(({ address }) => mayReach(address))) return addresses;
    throw new OutboundFailure('target_not_allowed');
  };
  return (hostname, _options, callback) => {
    allowedAddressesOf(hostname).then(
      (addresses) => callback(null, [...addresses]),
      (error: unknown) => callback(error as Error, []),
    );
  };
}

async function readBeginning(
  body: Dispatcher.ResponseData['body'],
  timeoutMs: number,
): Promise<Pick<OutboundAnswer, 'body' | 'isBodyCut'>> {
  const chunks: Buffer[] = [];
  let size = 0;
  let isBodyCut = false;
  const timer = setTimeout(() => body.destroy(new Error('The body took too long.')), timeoutMs);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      isBodyCut = size > MAX_BODY_BYTES;
      if (isBodyCut) break;
    }
  } catch {
    // It broke off, or took too long. The status is known all the same.
    isBodyCut = true;
  } finally {
    clearTimeout(timer);
  }
  return { body: Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString('utf8'), isBodyCut };
}
