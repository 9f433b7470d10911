import { Injectable } from '@nestjs/common';
import { Config } from '#platform/config';
import { currentContext } from '#platform/context';
import { Database } from '#platform/database';
import { defineFailpoint } from '#platform/failpoints';
import { backoffMs, CallNotMade, CallPolicy } from '#platform/resilience';
import { Metrics } from '#platform/telemetry';
import { PinoLogger } from 'nestjs-pino';
import { GatewayReports } from './gateway-reports.js';
import { OPERATION_KINDS, type OperationKind } from '../domain/operation.js';
import { type GatewayOperation, type GatewayOutcome, PaymentGateway } from '../domain/payment-gateway.js';
import { type ClaimedOperation, PaymentRepository } from '../domain/payment.repository.js';
import { type LadderBounds, type Rung, rungAfter } from '../domain/resolution-ladder.js';

/** Where a crash can fall while an operation of one kind is carried out, in the order in which they are passed. */
const failpointsOf = (kind: OperationKind) => ({
  /** The lease is taken, the gateway is not asked yet. */
  claimed: defineFailpoint(`payments.${kind}.claimed`),
  /** The gateway is asked; whoever is held here does not learn what it answers. */
  sent: defineFailpoint(`payments.${kind}.sent`),
  /** The answer is there, and not written down yet. */
  answered: defineFailpoint(`payments.${kind}.answered`),
  /** It is written down, and not committed yet. */
  recording: defineFailpoint(`payments.${kind}.recording`),
  /** It is committed, and nobody was told yet. */
  recorded: defineFailpoint(`payments.${kind}.recorded`),
});
const FAILPOINTS = Object.fromEntries(OPERATION_KINDS.map((kind) => [kind, failpointsOf(kind)])) as Readonly<
  Record<OperationKind, ReturnType<typeof failpointsOf>>
>;

/** The lease outlives the call by this much, for the transaction that records its outcome. */
const LEASE_MARGIN_MS = 5_000;
const RETRIES = { firstMs: 500, longestMs: 60_000 };
const LOGGED_ATTEMPTS = 4;

/**
 * Carries one operation to the gateway and its outcome back into the books. Anybody may run an operation, any number
 * of times: the lease keeps two from working on it at once, the fence keeps a late one from writing, and the
 * operation's id keeps the gateway from doing it twice. Where nobody knows what became of it, each run takes the next
 * step of the ladder, until staff have to say.
 */
@Injectable()
export class RunOperation {
  private readonly policy: CallPolicy;
  private readonly leaseMs: number;
  private readonly bounds: LadderBounds;

  constructor(
    private readonly payments: PaymentRepository,
    private readonly gateway: PaymentGateway,
    private readonly reports: GatewayReports,
    private readonly database: Database,
    private readonly metrics: Metrics,
    private readonly logger: PinoLogger,
    { settings }: Config,
  ) {
    logger.setContext(RunOperation.name);
    this.leaseMs = settings.GATEWAY_TIMEOUT_MS + LEASE_MARGIN_MS;
    this.bounds = {
      settleAfterMs: settings.PAYMENT_SETTLE_SECONDS * 1_000,
      attentionAfterMs: settings.PAYMENT_ATTENTION_SECONDS * 1_000,
    };
    this.policy = new CallPolicy({
      timeoutMs: settings.GATEWAY_TIMEOUT_MS,
      maxConcurrent: 256,
      breakAfterFailures: 20,
      breakForMs: 2_000,
    });
  }

  /**
   * Sends the operation, or asks about it, unless it is resolved or somebody else works on it, and records what came
   * of it.
   *
   * @returns what the gateway is certain about; undefined while nobody is, or when it was not sent from here
   */
  async execute(operationId: string): Promise<GatewayOutcome['result'] | undefined> {
    const operation = await this.payments.claim(operationId, this.leaseMs);
    if (!operation) return undefined;
    const failpoints = FAILPOINTS[operation.kind];
    await failpoints.claimed.reach();
    if (operation.gateway !== this.gateway.name) {
      // Nobody here can ask the gateway that has the money.
      await this.record(operation, undefined, 'ask_once_more');
      return undefined;
    }
    const rung = rungAfter(operation.sentForMs ?? undefined, this.bounds);
    let outcome: GatewayOutcome | undefined;
    try {
      const call = this.policy.call(currentContext().signal, (signal) =>
        this.ask(rung, toGatewayOperation(operation, signal)),
      );
      // Should a failpoint end this before the call ends, its failure is nobody's.
      call.catch(() => undefined);
      await failpoints.sent.reach();
      outcome = await call;
    } catch (error) {
      this.tellOfFailure(operation, error);
      if (error instanceof CallNotMade) {
        const isUnsent = operation.sentForMs === null;
        await this.payments.release(operation, retryDelayMs(operation.attempts), { isUnsent });
        return undefined;
      }
    }
    try {
      await failpoints.answered.reach();
      await this.record(operation, outcome, rung);
      if (operation.kind === 'authorize') {
        this.metrics.countPayment(this.gateway.name, outcome?.result ?? 'unknown');
      }
      await failpoints.recorded.reach();
    } catch (error) {
      // The operation stays as it was sent. Whoever comes next, soon, gets the same answer from the gateway.
      await this.payments.release(operation, retryDelayMs(operation.attempts)).catch(() => undefined);
      throw error;
    }
    return outcome?.result;
  }

  private async record(
    operation: ClaimedOperation,
    outcome: GatewayOutcome | undefined,
    rung: Rung,
  ): Promise<void> {
    const { id, kind, paymentId, orderId } = operation;
    const worth = await this.database.transaction(async () => {
      if (!(await this.payments.holdsLease(operation))) return undefined;
      const news = await this.payments.update(
        paymentId,
        (payment) => {
          if (outcome) return payment.learn({ ...operation, operationId: id, outcome });
          payment.markUnknown(id);
          if (rung === 'ask_once_more') payment.requireAttention(id);
          return undefined;
        },
        { orderId, withLines: kind === 'refund', withOperation: id },
      );
      // Somebody has said meanwhile that no money moved; whoever looks after stuck things must see the answer.
      if (news === 'contradiction' && outcome) await this.reports.keepAnswer(operation, outcome);
      if (!outcome) await this.payments.release(operation, retryDelayMs(operation.attempts));
      await FAILPOINTS[kind].recording.reach();
      return news;
    });
    const about = { operation_id: id, payment_id: paymentId, operation_kind: kind };
    if (worth === 'contradiction') {
      this.logger.error(
        { ...about, outcome: outcome?.result },
        'The answer of the gateway contradicts our books',
      );
    } else if (!outcome && rung === 'ask_once_more') {
      this.logger.error(
        about,
        'Nobody can find out what became of a payment operation: staff have to say so',
      );
    }
  }

  /** @returns what is certain; undefined when nothing is, or throws for the same reason */
  private async ask(rung: Rung, operation: GatewayOperation): Promise<GatewayOutcome | undefined> {
    switch (rung) {
      case 'send':
        return operation.kind === 'authorize'
          ? this.gateway.authorize(operation)
          : this.gateway[operation.kind](operation);
      case 'ask':
      case 'conclude': {
        const found = await this.gateway.find(operation);
        if (found) return found;
        // What follows on an authorization is still wanted, and its look-up is never behind.
        if (operation.kind !== 'authorize') return this.gateway.insist(operation);
        return rung === 'conclude' ? this.gateway.ruleOut(operation) : undefined;
      }
      case 'ask_once_more':
        // Too late to rule anything out: the gateway may have forgotten the key by now.
        return this.gateway.find(operation);
    }
  }

  /** The first tries, and then now and then: a gateway that is away for long would fill the log. */
  private tellOfFailure(operation: ClaimedOperation, error: unknown): void {
    const { id, paymentId, attempts } = operation;
    if (attempts > LOGGED_ATTEMPTS && attempts % LOGGED_ATTEMPTS > 0) return;
    this.logger.warn(
      { err: error, operation_id: id, payment_id: paymentId, attempt: attempts },
      'The outcome of a payment operation is not known yet',
    );
  }
}

function toGatewayOperation(operation: ClaimedOperation, signal: AbortSignal): GatewayOperation {
  const { id: operationId, kind, paymentId, orderId, amount, currency, method, gatewayPaymentId } = operation;
  const sentForMs = operation.sentForMs ?? undefined;
  const request = { operationId, paymentId, orderId, amount, currency, sentForMs, signal };
  if (kind === 'authorize') {
    if (method === null) throw new Error(`The authorization ${operationId} has no method.`);
    return { kind, ...request, method, captureNow: operation.captureMode === 'automatic' };
  }
  if (gatewayPaymentId === null) throw new Error(`The payment of ${operationId} has no name at the gateway.`);
  return { kind, ...request, gatewayPaymentId };
}

/** Doubles with every attempt, with up to a quarter more so that a crowd does not come back all at once. */
function retryDelayMs(attempts: number): number {
  const base = backoffMs(RETRIES, attempts - 1);
  return Math.round(base * (1 + Math.random() / 4));
}
