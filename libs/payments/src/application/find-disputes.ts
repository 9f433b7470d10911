import { Injectable } from '@nestjs/common';
import { type Currency, DomainError, type Money } from '#kernel';
import { Database, statement } from '#platform/database';
import { type Page, type PageRequest, Paginator } from '#platform/http';
import type { DisputeStatus } from '../domain/dispute.js';
import { paymentErrors } from '../domain/payment.errors.js';

export interface DisputeView {
  id: string;
  paymentId: string;
  orderId: string;
  gatewayId: string;
  status: DisputeStatus;
  amount: Money;
  reason: string;
  respondBy: string | null;
  createdAt: string;
  updatedAt: string;
}

export interface DisputeFilters {
  readonly status?: DisputeStatus | undefined;
  readonly paymentId?: string | undefined;
}

interface DisputeRow {
  id: string;
  paymentId: string;
  orderId: string;
  gatewayId: string;
  status: DisputeStatus;
  amount: number;
  currency: Currency;
  reason: string;
  respondBy: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

const DISPUTES = `SELECT d.id, d.payment_id AS "paymentId", p.order_id AS "orderId", d.gateway_id AS "gatewayId", d.status,
    d.amount, p.currency, d.reason, d.respond_by AS "respondBy", d.created_at AS "createdAt", d.updated_at AS "updatedAt"
  FROM payments.disputes d JOIN payments.payments p ON p.id = d.payment_id`;

const disputeById = statement('payments.dispute_by_id', `${DISPUTES} WHERE d.id = $1`);
const disputePage = statement(
  'payments.dispute_page',
  `${DISPUTES}
    WHERE ($1::text IS NULL OR d.status = $1) AND ($2::uuid IS NULL OR d.payment_id = $2)
      AND ($3::timestamptz IS NULL OR (d.created_at, d.id) < ($3, $4::uuid))
    ORDER BY d.created_at DESC, d.id DESC LIMIT $5`,
);

/** Reads disputes, straight from SQL to the view. */
@Injectable()
export class FindDisputes {
  constructor(
    private readonly database: Database,
    private readonly paginator: Paginator,
  ) {}

  /** @throws DomainError dispute_not_found */
  async get(disputeId: string): Promise<DisputeView> {
    const row = await this.database.queryOne<DisputeRow>(disputeById, [disputeId]);
    if (!row) throw new DomainError(paymentErrors.dispute_not_found);
    return toView(row);
  }

  async list(filters: DisputeFilters, request: PageRequest): Promise<Page<DisputeView>> {
    return this.paginator.page(
      'disputes',
      filters,
      request,
      ({ createdAt, id }) => [createdAt, id],
      async (after, limit) => {
        const position = after ?? [null, null];
        const values = [filters.status ?? null, filters.paymentId ?? null, ...position, limit];
        return (await this.database.query<DisputeRow>(disputePage, values)).map(toView);
      },
    );
  }
}

function toView({ amount, currency, respondBy, createdAt, updatedAt, ...row }: DisputeRow): DisputeView {
  return {
    ...row,
    amount: { amount, currency },
    respondBy: respondBy?.toISOString() ?? null,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
