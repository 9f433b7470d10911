import { createHmac, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { actorReference, DomainError } from '#kernel';
import { Config } from '#platform/config';
import { currentActor } from '#platform/context';
import { AccessPolicy, type Permission, securityErrors } from '#platform/security';
import { orderErrors } from '../domain/order.errors.js';
import { FindOrders } from './find-orders.js';

/** Who may see and change which order. Whoever may not learns nothing, not even that the order exists. */
@Injectable()
export class OrderAccess {
  constructor(
    private readonly findOrders: FindOrders,
    private readonly policy: AccessPolicy,
    private readonly config: Config,
  ) {}

  /** The token that opens a guest's order, and no other. It is derived, so it is stored nowhere. */
  tokenFor(orderId: string): string {
    return orderToken(orderId, this.config.appSecrets[0]);
  }

  /**
   * Passes whoever has the permission for every order, the customer whose order it is, and, while it is a guest's,
   * whoever holds its token: an order that was claimed or moved belongs to its account alone.
   *
   * @returns whether it was the token that opened it: whoever is let in without one, whatever else they sent, holds
   *   none and is shown none
   * @throws DomainError authentication_required when nobody is known, order_not_found when somebody else is,
   *   insufficient_aal
   */
  async require(orderId: string, token: string | undefined, permission: Permission): Promise<boolean> {
    const isItsToken = token !== undefined && this.isTokenOf(orderId, token);
    if (isItsToken && (await this.findOrders.customerOf(orderId)) === null) return true;
    const actor = currentActor();
    if (this.policy.reachesAll(actor, permission)) return false;
    if (actor.kind === 'user') {
      if ((await this.findOrders.customerOf(orderId)) === actor.userId) return false;
      throw new DomainError(orderErrors.order_not_found);
    }
    if (token !== undefined) throw new DomainError(orderErrors.order_not_found);
    throw new DomainError(securityErrors.authentication_required);
  }

  /** Whom an order is shown to for it is theirs: `user:…` or `anonymous`; undefined for whoever may see every order. */
  readerOfOwn(permission: Permission): string | undefined {
    const actor = currentActor();
    return this.policy.reachesAll(actor, permission) ? undefined : actorReference(actor);
  }

  /**
   * Whose orders the caller may list: those of one customer, or everybody's (undefined).
   *
   * @param wanted the customer whose orders are asked for, where it is one
   * @throws DomainError forbidden when customers ask for those of somebody else
   */
  listOf(wanted: string | undefined): string | undefined {
    const actor = currentActor();
    if (this.policy.reachesAll(actor, 'orders:list')) return wanted;
    const own = actor.kind === 'user' ? actor.userId : undefined;
    if (own === undefined || (wanted !== undefined && wanted !== own)) {
      throw new DomainError(securityErrors.forbidden);
    }
    return own;
  }

  /** Also when a secret made it that signs no more: nobody could give the guest another token. */
  private isTokenOf(orderId: string, token: string): boolean {
    const given = Buffer.from(token);
    return this.config.appSecrets.some((secret) => {
      const expected = Buffer.from(orderToken(orderId, secret));
      return expected.length === given.length && timingSafeEqual(expected, given);
    });
  }
}

function orderToken(orderId: string, secret: string): string {
  return createHmac('sha256', secret).update(`order-token:${orderId}`).digest('base64url');
}
