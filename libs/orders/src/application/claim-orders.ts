import { Injectable, type OnModuleInit } from '@nestjs/common';
import { actorReference, Clock, DomainError, type ErrorDefinition } from '#kernel';
import { currentActor } from '#platform/context';
import { Database, statement } from '#platform/database';
import { Idempotency } from '#platform/idempotency';
import { securityErrors } from '#platform/security';
import { currentUser, usersErrors, UsersFacade, type UserSummary } from '#users';
import { OrderRepository } from '../domain/order.repository.js';
import { changeEach, MAX_CHANGED_TOGETHER } from './change-each.js';

const guestOrdersOf = statement(
  'orders.guest_orders_of_email',
  'SELECT id FROM orders.orders WHERE customer_id IS NULL AND email = $1 ORDER BY id LIMIT $2',
);

/** What claiming can end in. */
export const CLAIM_ORDERS_ERRORS: readonly ErrorDefinition[] = [usersErrors.email_not_verified];

export interface ClaimResult {
  claimed: number;
}

/**
 * Gives a customer the orders that were placed as a guest with their address, once they have proven that it is theirs:
 * when they ask for it, and when they leave the address, after which nobody could tell whose they are.
 */
@Injectable()
export class ClaimOrders implements OnModuleInit {
  constructor(
    private readonly orders: OrderRepository,
    private readonly users: UsersFacade,
    private readonly idempotency: Idempotency,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.users.onLeave(async (user) => {
      while ((await this.claimSome(user)) > 0);
    });
  }

  /** @throws DomainError email_not_verified */
  async execute(key: string): Promise<ClaimResult> {
    const { userId: customerId } = currentUser();
    const call = {
      ...{ principal: actorReference(currentActor()), operation: 'orders.claim' },
      ...{ key, payload: {} },
    };
    return this.idempotency.once(call, async () => {
      const user = await this.users.hold(customerId);
      if (!user) throw new DomainError(securityErrors.invalid_token);
      if (!user.emailVerified) throw new DomainError(usersErrors.email_not_verified);
      return { claimed: await this.claimSome(user) };
    });
  }

  private async claimSome({ id: customerId, email }: UserSummary): Promise<number> {
    const found = await this.database.query<{ id: string }>(guestOrdersOf, [email, MAX_CHANGED_TOGETHER]);
    return changeEach(this.orders, found, (order) => {
      // Whoever was faster has it.
      const isFree = order.state.customerId === null;
      if (isFree) order.claim(customerId, this.clock.now());
      return isFree;
    });
  }
}
