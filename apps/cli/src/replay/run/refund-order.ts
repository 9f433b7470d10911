import type { PlannedRefund } from '../plan/replay-plan.js';
import type { ApiAnswer } from './api-client.js';
import type { Order, Payment, Refund } from './api-types.js';
import type { ReplayContext } from './replay-context.js';
import { settle } from './settle.js';

export type Refunded =
  { readonly ok: true; readonly isNew: boolean } | { readonly ok: false; readonly code: string };

/**
 * Refunds lines of an order that was captured.
 *
 * @param order as the API answered it: its lines have the ids that the refund names
 */
export async function refundOrder(
  context: ReplayContext,
  order: Order,
  planned: PlannedRefund,
): Promise<Refunded> {
  const read = () => readRefund(context, order.payment.id, planned.id);
  const body = refundRequest(order, planned);
  const requested = await context.staff.send<Refund>((api, init) =>
    api.POST('/api/v1/payments/{id}/refunds', {
      ...init,
      params: { path: { id: order.payment.id }, header: { 'Idempotency-Key': planned.idempotencyKey } },
      body,
    }),
  );
  // Once the key is forgotten, what an earlier run did is refused, for one reason or another: look what is there.
  const found = requested.ok ? requested : await read();
  const isOpen = (refund: Refund) => refund.status === 'pending';
  const answer = await settle(context.client, found, isOpen, read);
  if (!answer.ok) return requested.ok ? answer : requested;
  const { status, amount } = answer.body;
  if (status !== 'succeeded') return { ok: false, code: `refund_${status}` };
  if (amount.amount !== planned.totalMinor) return { ok: false, code: 'refund_differs' };
  return { ok: true, isNew: requested.ok && !requested.isReplayed };
}

function refundRequest(order: Order, { id, lines, reason }: PlannedRefund) {
  return {
    id,
    lines: lines.map(({ lineIndex, amountMinor }) => {
      const line = order.lines[lineIndex];
      if (line === undefined) throw new Error(`The order ${order.id} has no line ${lineIndex}.`);
      return { lineId: line.id, amount: { amount: amountMinor, currency: 'GBP' as const } };
    }),
    reason,
  };
}

async function readRefund(
  { staff }: ReplayContext,
  paymentId: string,
  refundId: string,
): Promise<ApiAnswer<Refund>> {
  const answer = await staff.send<Payment>((api, init) => {
    return api.GET('/api/v1/payments/{id}', { ...init, params: { path: { id: paymentId } } });
  });
  if (!answer.ok) return answer;
  const refund = answer.body.refunds.find(({ id }) => id === refundId);
  if (refund !== undefined) return { ...answer, body: refund };
  return {
    ok: false,
    status: 404,
    code: 'refund_not_found',
    detail: 'The payment does not list the refund.',
  };
}
