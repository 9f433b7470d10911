import { createHmac, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DomainError, hasRole } from '#kernel';
import { Config } from '#platform/config';
import { currentActor } from '#platform/context';
import { securityErrors } from '#platform/security';
import { orderErrors } from '../domain/order.errors.js';
import { FindOrders } from './find-orders.js';

/** Who may see and change which order. Whoever may not learns nothing, not even that the order exists. */
@Injectable()
export class OrderAccess {
  constructor(
    private readonly findOrders: FindOrders,
    private readonly config: Config,
  ) {}

  /** The token that opens a guest's order, and no other. It is derived, so it is stored nowhere. */
  tokenFor(orderId: string): string {
    return createHmac('sha256', this.config.appSecret).update(`order-token:${orderId}`).digest('base64url');
  }

  /**
   * Passes staff, the customer whose order it is, and whoever holds the order's token.
   *
   * @throws DomainError authentication_required when nobody is known, order_not_found when somebody else is
   */
  async require(orderId: string, orderToken: string | undefined): Promise<void> {
    if (orderToken !== undefined && this.isTokenOf(orderId, orderToken)) return;
    const actor = currentActor();
    if (hasRole(actor, 'staff')) return;
    if (actor.kind === 'user') {
      if ((await this.findOrders.customerOf(orderId)) === actor.userId) return;
      throw new DomainError(orderErrors.order_not_found);
    }
    if (orderToken !== undefined) throw new DomainError(orderErrors.order_not_found);
    throw new DomainError(securityErrors.authentication_required);
  }

  private isTokenOf(orderId: string, orderToken: string): boolean {
    const expected = Buffer.from(this.tokenFor(orderId));
    const given = Buffer.from(orderToken);
    return expected.length === given.length && timingSafeEqual(expected, given);
  }
}
