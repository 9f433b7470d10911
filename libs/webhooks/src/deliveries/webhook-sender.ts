import { Injectable } from '@nestjs/common';
import { Clock } from '#kernel';
import type { CloudEvent } from '#platform/messaging';
import {
  OutboundClient,
  OutboundFailure,
  type OutboundFailureReason,
  type OutboundRequest,
} from '#platform/outbound';
import { EndpointSecrets } from '../endpoints/endpoint-secrets.js';
import { signatureOf } from './signature.js';

/** Kept of what a partner answers: enough to see what is wrong. */
const MAX_RESPONSE_CHARACTERS = 1_024;

/** Where a webhook goes, and with what it is signed; the secrets as they are stored. */
export interface Target {
  readonly endpointId: string;
  readonly url: string;
  readonly secret: Buffer;
  readonly previousSecret: Buffer | null;
  readonly previousSecretUntil: Date | null;
}

/** Why there was no answer; `secret_unreadable`: it was sealed with an APP_SECRET that is gone, and nothing was sent. */
type Failure = OutboundFailureReason | 'secret_unreadable';

/** What came of sending a webhook once: an answer, or why there was none. */
export interface Attempt {
  readonly attemptedAt: Date;
  readonly durationMs: number;
  readonly statusCode: number | null;
  readonly failure: Failure | null;
  /** The beginning of the answer's body. */
  readonly response: string | null;
  readonly retryAfter?: string | undefined;
}

type Outcome = Pick<Attempt, 'statusCode' | 'failure' | 'response' | 'retryAfter'>;

/** Signs an event and posts it to a partner. Never inside a transaction: an answer may take seconds. */
@Injectable()
export class WebhookSender {
  constructor(
    private readonly outbound: OutboundClient,
    private readonly secrets: EndpointSecrets,
    private readonly clock: Clock,
  ) {}

  /**
   * Sends an event under its id, once. That a partner does not answer, or not well, is no error.
   *
   * @param timeoutMs how long the partner has, where that is less than usual
   * @throws the reason of `signal` when that fires first
   */
  async send(target: Target, event: CloudEvent, signal: AbortSignal, timeoutMs?: number): Promise<Attempt> {
    const attemptedAt = this.clock.now();
    const startedAt = performance.now();
    const request = this.sign(target, event, attemptedAt);
    const outcome = request
      ? await this.post({ ...request, timeoutMs }, signal)
      : unanswered('secret_unreadable');
    return { attemptedAt, durationMs: Math.round(performance.now() - startedAt), ...outcome };
  }

  /** The event as it is posted; undefined where there is nothing to sign it with. */
  private sign(target: Target, event: CloudEvent, at: Date): OutboundRequest | undefined {
    const keys = this.keysOf(target, at);
    if (keys.length === 0) return undefined;
    const body = JSON.stringify(event);
    const timestampSeconds = Math.floor(at.getTime() / 1_000);
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Steelyard-Webhooks/1',
      'webhook-id': event.id,
      'webhook-timestamp': String(timestampSeconds),
      'webhook-signature': signatureOf(keys, event.id, timestampSeconds, body),
    };
    return { url: target.url, headers, body };
  }

  private async post(request: OutboundRequest, signal: AbortSignal): Promise<Outcome> {
    try {
      const { status: statusCode, body, retryAfter } = await this.outbound.post(request, signal);
      return { statusCode, failure: null, response: storable(body), retryAfter };
    } catch (error) {
      if (error instanceof OutboundFailure) return unanswered(error.reason);
      throw error;
    }
  }

  /** The keys that sign, the newest first. */
  private keysOf({ endpointId, secret, previousSecret, previousSecretUntil }: Target, now: Date): Buffer[] {
    const hasOverlap = previousSecretUntil !== null && previousSecretUntil > now;
    const sealed = [secret, ...(previousSecret && hasOverlap ? [previousSecret] : [])];
    return sealed.flatMap((box) => this.secrets.open(box, endpointId) ?? []);
  }
}

function unanswered(failure: Failure): Outcome {
  return { statusCode: null, failure, response: null };
}

/** What PostgreSQL takes as text, and not too much of it. */
function storable(body: string): string {
  return body.slice(0, MAX_RESPONSE_CHARACTERS).replaceAll('\u0000', '').toWellFormed();
}
