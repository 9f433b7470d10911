import { Injectable } from '@nestjs/common';
import { runAsSystem } from '#platform/context';
import { settleAll } from '#platform/jobs';
import { PaymentRepository } from '../domain/payment.repository.js';
import { RunOperation } from './run-operation.js';

const BATCH_SIZE = 32;

/** The worker's part: takes over every operation that nobody works on, until its outcome is certain. */
@Injectable()
export class ResolveOpenOperations {
  constructor(
    private readonly payments: PaymentRepository,
    private readonly runOperation: RunOperation,
  ) {}

  /** Tries one batch of due operations and returns how many there were. One that fails does not hold back the others. */
  async execute(): Promise<number> {
    return runAsSystem('payment-resolver', async () => {
      const due = await this.payments.dueOperations(BATCH_SIZE);
      await settleAll(
        due.map((operationId) => this.runOperation.execute(operationId)),
        'Payment operations could not be run.',
      );
      return due.length;
    });
  }
}
