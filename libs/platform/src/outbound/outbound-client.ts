import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { buildConnector, Client, type Dispatcher } from 'undici';
import { OutboundFailure, toOutboundFailure } from './outbound-failure.js';
import { findTargetProblems, type TargetPolicy, type TargetProblem } from './target-policy.js';

export interface OutboundRequest {
  /** Chosen by somebody else, and not trusted. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface OutboundAnswer {
  /** A redirect is an answer like any other: nobody follows it. */
  readonly status: number;
  /** The beginning of the body, 64 KiB at most, as UTF-8. */
  readonly body: string;
  /** There was more of the body, or it broke off. */
  readonly isBodyCut: boolean;
  /** The header `Retry-After` as it came, where there was one. */
  readonly retryAfter: string | undefined;
}

/** Bounds of one call. The whole covers the look-up, the connection, the request and the answer. */
export interface OutboundTimeouts {
  readonly connectMs: number;
  readonly headersMs: number;
  readonly wholeMs: number;
}

export interface OutboundClientOptions {
  readonly policy: TargetPolicy;
  readonly timeouts?: OutboundTimeouts;
  /** Looks up a name; the system's resolver unless told. */
  readonly resolve?: Resolve;
}

type Resolve = (
  hostname: string,
  options: { all: true },
  callback: (error: Error | null, addresses: readonly { address: string; family: number }[]) => void,
) => void;

const DEFAULT_TIMEOUTS: OutboundTimeouts = { connectMs: 5_000, headersMs: 10_000, wholeMs: 15_000 };
const MAX_BODY_BYTES = 64 * 1_024;

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

  constructor({ policy, timeouts = DEFAULT_TIMEOUTS, resolve = lookup }: OutboundClientOptions) {
    this.policy = policy;
    this.timeouts = timeouts;
    this.connect = buildConnector({
      allowH2: false,
      // Asks for all addresses at once.
      autoSelectFamily: true,
      lookup: guardedLookup(policy, resolve),
      timeout: timeouts.connectMs,
    });
  }

  /** All that is wrong with a URL, to refuse it when somebody enters it; empty when it may be tried. */
  problemsOf(url: string): TargetProblem[] {
    return findTargetProblems(url, this.policy);
  }

  /**
   * Posts to a URL. A target that accepts and then hangs in its body has answered: its status counts.
   *
   * @throws OutboundFailure when there is no answer
   * @throws the reason of `signal` when that fires first
   */
  async post({ url, headers, body }: OutboundRequest, signal: AbortSignal): Promise<OutboundAnswer> {
    signal.throwIfAborted();
    if (this.problemsOf(url).length > 0) throw new OutboundFailure('target_not_allowed');
    const { origin, pathname, search } = new URL(url);
    const client = new Client(origin, { connect: this.connect, headersTimeout: this.timeouts.headersMs });
    try {
      const response = await client.request({
        method: 'POST',
        path: pathname + search,
        headers,
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(this.timeouts.wholeMs)]),
      });
      const read = await readBeginning(response.body);
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
function guardedLookup({ mayReach }: TargetPolicy, resolve: Resolve): LookupFunction {
  return (hostname, _options, callback) => {
    resolve(hostname, { all: true }, (error, addresses) => {
      if (error !== null) callback(error, []);
      else if (addresses.every(({ address }) => mayReach(address))) callback(null, [...addresses]);
      else callback(new OutboundFailure('target_not_allowed'), []);
    });
  };
}

async function readBeginning(
  body: Dispatcher.ResponseData['body'],
): Promise<Pick<OutboundAnswer, 'body' | 'isBodyCut'>> {
  const chunks: Buffer[] = [];
  let size = 0;
  let isBodyCut = false;
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
  }
  return { body: Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString('utf8'), isBodyCut };
}
