import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { paymentErrors } from '../domain/payment.errors.js';
import {
  type AuthorizeRequest,
  type FollowUpRequest,
  type GatewayNews,
  type GatewayOperation,
  type GatewayOutcome,
  type GatewayReport,
  PaymentGateway,
} from '../domain/payment-gateway.js';

/** What each test method does. The `pm_card_` names are Stripe's own, so that front-ends need no change for Stripe. */
const METHODS: Readonly<Record<string, Partial<Record<'authorize' | 'capture' | 'refund', Behaviour>>>> = {
  pm_card_visa: {},
  pm_card_mastercard: {},
  pm_card_chargeDeclined: { authorize: { answer: declined('generic_decline') } },
  pm_card_chargeDeclinedInsufficientFunds: { authorize: { answer: declined('insufficient_funds') } },
  pm_card_authenticationRequired: { authorize: { answer: { result: 'requires_action' } } },
  pm_sim_timeout_after_effect: { authorize: { firstTry: 'hang' } },
  pm_sim_timeout_before_effect: { authorize: { firstTry: 'hang' } },
  pm_sim_slow: { authorize: { delayMs: 3_000 } },
  pm_sim_error_500: { authorize: { firstTry: 'error' } },
  pm_sim_capture_fails: { capture: { answer: { result: 'failed', declineCode: 'capture_refused' } } },
  pm_sim_refund_fails: { refund: { answer: { result: 'failed', declineCode: 'refund_refused' } } },
};

interface Behaviour {
  /** Instead of success. */
  readonly answer?: GatewayOutcome;
  /** The first try of an operation never answers, or answers with an error that says nothing. */
  readonly firstTry?: 'hang' | 'error';
  readonly delayMs?: number;
}

const REMEMBERED_OPERATIONS = 10_000;

/**
 * A gateway inside the process, for development, demos and tests. What it answers follows from the method and the
 * operation's id alone, so sending an operation again gives the same answer, also after a restart. It remembers only
 * which operations it saw, for the methods whose first try goes wrong.
 */
@Injectable()
export class SandboxGateway extends PaymentGateway {
  override readonly name = 'sandbox';
  private readonly seen = new Set<string>();

  override knowsMethod(method: string): boolean {
    return Object.hasOwn(METHODS, method);
  }

  override async authorize(request: AuthorizeRequest): Promise<GatewayOutcome> {
    // Authorizing and capturing in one step fails as a whole when the capture would.
    const refusedCapture = request.captureNow ? METHODS[request.method]?.capture?.answer : undefined;
    if (refusedCapture?.result === 'failed') return declined(refusedCapture.declineCode);
    return this.act('authorize', request.method, request, `sbx_${request.operationId}_${request.method}`);
  }

  override async capture(request: FollowUpRequest): Promise<GatewayOutcome> {
    return this.act('capture', methodOf(request), request, `sbx_cap_${request.operationId}`);
  }

  override async void(request: FollowUpRequest): Promise<GatewayOutcome> {
    return { result: 'succeeded', gatewayId: `sbx_void_${request.operationId}` };
  }

  override async refund(request: FollowUpRequest): Promise<GatewayOutcome> {
    return this.act('refund', methodOf(request), request, `sbx_re_${request.operationId}`);
  }

  /** It answers from the operation alone, so what it knows of one is what it would answer. */
  override async find(operation: GatewayOperation): Promise<GatewayOutcome> {
    return operation.kind === 'authorize' ? this.authorize(operation) : this[operation.kind](operation);
  }

  override async ruleOut(operation: GatewayOperation): Promise<GatewayOutcome> {
    return this.find(operation);
  }

  override readReport(): GatewayReport {
    throw new DomainError(paymentErrors.webhook_signature_invalid, {
      detail: 'The sandbox sends no webhooks.',
    });
  }

  override newsOf(): GatewayNews[] {
    return [];
  }

  private async act(
    step: 'authorize' | 'capture' | 'refund',
    method: string,
    { operationId, signal }: { operationId: string; signal: AbortSignal },
    gatewayId: string,
  ): Promise<GatewayOutcome> {
    const behaviour: Behaviour = METHODS[method]?.[step] ?? {};
    const isFirstTry = this.remember(operationId);
    if (isFirstTry && behaviour.firstTry === 'hang') await waitUntilAborted(signal);
    if (isFirstTry && behaviour.firstTry === 'error') throw new Error('The sandbox answered 500.');
    if (behaviour.delayMs !== undefined) await delay(behaviour.delayMs, signal);
    return behaviour.answer ?? { result: 'succeeded', gatewayId };
  }

  private remember(operationId: string): boolean {
    if (this.seen.has(operationId)) return false;
    const [oldest] = this.seen;
    if (this.seen.size >= REMEMBERED_OPERATIONS && oldest !== undefined) this.seen.delete(oldest);
    this.seen.add(operationId);
    return true;
  }
}

function declined(declineCode: string): GatewayOutcome {
  return { result: 'declined', declineCode };
}

/** The method that a payment was authorized with is part of the name that the sandbox gave it. */
function methodOf({ gatewayPaymentId }: FollowUpRequest): string {
  return gatewayPaymentId.split('_').slice(2).join('_');
}

function waitUntilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

async function delay(ms: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([elapsed, waitUntilAborted(signal)]);
  } finally {
    clearTimeout(timer);
  }
}
