import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { type Call, methodBehaviour, PaymentSimulator, type Reply, ScriptPlayer } from '#simulated-gateway';
import { paymentErrors } from '../domain/payment.errors.js';
import {
  type AuthorizeRequest,
  type FollowUpRequest,
  type GatewayFollowUp,
  type GatewayNews,
  type GatewayOperation,
  type GatewayOutcome,
  type GatewayReport,
  PaymentGateway,
} from '../domain/payment-gateway.js';
import { createdAt } from './operation-age.js';
import { OutcomeUnknown } from './outcome-unknown.js';
import { isCaptureRefused, isSandboxMethod } from './sandbox-methods.js';
import { delay, waitUntilAborted } from './waits.js';

const REMEMBERED_OPERATIONS = 10_000;
/** How long it holds money that is not captured: seven days, as cards do. */
const AUTHORIZATION_MS = 7 * 86_400_000;

/** What is certain once the gateway has answered. */
interface Outcomes<T> {
  readonly done: (result: T) => GatewayOutcome;
  readonly refusedByBank: (declineCode: string) => GatewayOutcome;
}

/**
 * A gateway inside the process, for development, demos and tests: the engine of the gateway simulator, without its
 * books. Every call begins with a simulator that knows nothing but the payment that the request is about, as the
 * request says it is, so that any process gives the same answer, also after a restart. What it remembers, in memory
 * and bounded, is how often it saw each operation, for what goes wrong on the first try.
 */
@Injectable()
export class SandboxGateway extends PaymentGateway {
  override readonly name = 'sandbox';
  private readonly player = new ScriptPlayer(REMEMBERED_OPERATIONS);

  override knowsMethod(method: string): boolean {
    return isSandboxMethod(method);
  }

  /** @throws OutcomeUnknown */
  override async authorize(request: AuthorizeRequest): Promise<GatewayOutcome> {
    const { operationId, method, captureNow } = request;
    const reply = new PaymentSimulator({ player: this.player }).create(callOf(request), {
      amount: request.amount,
      currency: request.currency.toLowerCase(),
      captureMethod: captureNow ? 'automatic' : 'manual',
      confirm: true,
      paymentMethod: method,
      metadata: {},
      multicapture: true,
      errorOnAction: false,
    });
    // Authorizing and capturing in one step fails as a whole when the capture would.
    const isForCapture = captureNow && isCaptureRefused(method);
    return outcomeOf(reply, request.signal, {
      done: ({ status }) =>
        status === 'requires_action'
          ? { result: 'requires_action' }
          : {
              result: 'succeeded',
              gatewayId: nameOf({ kind: 'authorize', ...request }),
              ...(!captureNow && { authorizedUntil: new Date(createdAt(operationId) + AUTHORIZATION_MS) }),
            },
      refusedByBank: (declineCode) => ({
        result: 'declined',
        declineCode: isForCapture ? 'capture_refused' : declineCode,
      }),
    });
  }

  /** @throws OutcomeUnknown */
  override async capture(request: FollowUpRequest): Promise<GatewayOutcome> {
    const order = { intentId: request.gatewayPaymentId, isFinal: true, metadata: {} };
    const reply = this.gatewayOf(request, { isCaptured: false }).capture(callOf(request), order);
    return outcomeOf(reply, request.signal, {
      done: () => ({ result: 'succeeded', gatewayId: nameOf({ kind: 'capture', ...request }) }),
      refusedByBank: () => ({ result: 'failed', declineCode: 'capture_refused' }),
    });
  }

  /** @throws OutcomeUnknown */
  override async void(request: FollowUpRequest): Promise<GatewayOutcome> {
    const gateway = this.gatewayOf(request, { isCaptured: false });
    const reply = gateway.cancel(callOf(request), request.gatewayPaymentId);
    return outcomeOf(reply, request.signal, {
      done: () => ({ result: 'succeeded', gatewayId: nameOf({ kind: 'void', ...request }) }),
      refusedByBank: () => ({ result: 'failed', declineCode: 'void_refused' }),
    });
  }

  /** @throws OutcomeUnknown */
  override async refund(request: FollowUpRequest): Promise<GatewayOutcome> {
    const { gatewayPaymentId: intentId, operationId, signal } = request;
    const gateway = this.gatewayOf(request, { isCaptured: true });
    const reply = gateway.refund(callOf(request), { intentId, reason: null, metadata: {} });
    const refusedByBank = (): GatewayOutcome => ({ result: 'failed', declineCode: 'refund_refused' });
    return outcomeOf(reply, signal, {
      done: ({ status }) => {
        if (status === 'failed') return refusedByBank();
        // Nothing tells the sandbox that time has passed but that it is asked again.
        const isFirstTry = this.player.attemptsOf('refund', operationId) === 1;
        if (status === 'pending' && isFirstTry) throw new OutcomeUnknown('The refund is pending.');
        return { result: 'succeeded', gatewayId: nameOf({ kind: 'refund', ...request }) };
      },
      refusedByBank,
    });
  }

  /**
   * It answers from the operation alone, so what it knows of one is what it would answer; but for an error that it
   * keeps, behind which there is an effect or there is none.
   *
   * @throws OutcomeUnknown
   */
  override async find(operation: GatewayOperation): Promise<GatewayOutcome | undefined> {
    const method = operation.kind === 'authorize' ? operation.method : methodOf(operation.gatewayPaymentId);
    const fault = methodBehaviour(method)?.[operation.kind]?.fault;
    if (fault?.isKept) {
      return fault.hasEffect ? { result: 'succeeded', gatewayId: nameOf(operation) } : undefined;
    }
    return operation.kind === 'authorize' ? this.authorize(operation) : this[operation.kind](operation);
  }

  /** @throws OutcomeUnknown */
  override async insist(operation: GatewayFollowUp): Promise<GatewayOutcome> {
    return (await this.find(operation)) ?? { result: 'failed', declineCode: 'not_found' };
  }

  /** Nothing is ever on its way to a gateway inside the process. */
  override async ruleOut(): Promise<GatewayOutcome> {
    return { result: 'failed', declineCode: 'never_received' };
  }

  override readReport(): GatewayReport {
    throw new DomainError(paymentErrors.webhook_signature_invalid, {
      detail: 'The sandbox sends no webhooks.',
    });
  }

  override newsOf(): GatewayNews[] {
    return [];
  }

  /** A gateway that has the payment, with as much of it held, or captured, as the request is about. */
  private gatewayOf(
    { gatewayPaymentId, amount, currency }: FollowUpRequest,
    { isCaptured }: { readonly isCaptured: boolean },
  ): PaymentSimulator {
    const simulator = new PaymentSimulator({ player: this.player });
    simulator.adopt({
      id: gatewayPaymentId,
      amount,
      currency: currency.toLowerCase(),
      paymentMethod: methodOf(gatewayPaymentId),
      isCaptured,
    });
    return simulator;
  }
}

/** What the sandbox calls the effect of an operation; the name of a payment says with which method it was made. */
function nameOf(operation: GatewayOperation): string {
  const { kind, operationId } = operation;
  switch (kind) {
    case 'authorize':
      return `sbx_${operationId}_${operation.method}`;
    case 'capture':
      return `sbx_cap_${operationId}`;
    case 'void':
      return `sbx_void_${operationId}`;
    case 'refund':
      return `sbx_re_${operationId}`;
  }
}

/** Nobody else uses the keys of a simulator that lives for one call. */
function callOf({ operationId }: { readonly operationId: string }): Call {
  return { key: operationId, fingerprint: operationId };
}

/** The method that a payment was authorized with is part of the name that the sandbox gave it. */
function methodOf(gatewayPaymentId: string): string {
  return gatewayPaymentId.split('_').slice(2).join('_');
}

/**
 * What a reply comes to, when it is due.
 *
 * @throws OutcomeUnknown when it says nothing about what became of the request
 */
async function outcomeOf<T>(
  { ending, delayMs, executed }: Reply<T>,
  signal: AbortSignal,
  { done, refusedByBank }: Outcomes<T>,
): Promise<GatewayOutcome> {
  if (ending === 'hangs') return waitUntilAborted(signal);
  if (ending === 'reset') throw new OutcomeUnknown('The sandbox broke the connection.');
  if (delayMs > 0) await delay(delayMs, signal);
  if ('result' in executed) return done(executed.result);
  const { status: statusCode, code = 'invalid_request', declineCode = code } = executed.refusal.details;
  if (statusCode === 402) return refusedByBank(declineCode);
  if (statusCode === 400) return { result: 'failed', declineCode };
  throw new OutcomeUnknown(`The sandbox answered ${statusCode}.`, { statusCode });
}
