import { z } from 'zod';
import {
  idSchema,
  moneySchema,
  newIdSchema,
  pageQuerySchema,
  pageSchema,
  positiveMoneySchema,
  reasonSchema,
  text,
  timeSchema,
} from '#platform/http';
import { DISPUTE_STATUSES } from '../domain/dispute.js';
import { LEDGER_ACCOUNTS, LEDGER_ENTRY_KINDS } from '../domain/ledger.js';
import { OPERATION_KINDS, OPERATION_STATUSES } from '../domain/operation.js';
import { CAPTURE_MODES } from '../domain/payment-state.js';
import { PAYMENT_STATUSES } from '../domain/payment-status.js';

const PAYMENT_ID = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10';
const ORDER_ID = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11';
const LINE_ID = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12';
const AMOUNT = { amount: 1250, currency: 'GBP' };
const TIME = '2026-11-20T12:00:00.000Z';
/** As many as an order may have lines. */
const MAX_REFUND_LINES = 1_000;

export const refundView = z
  .object({
    id: idSchema,
    paymentId: idSchema,
    status: z.enum(['pending', 'succeeded', 'failed']),
    amount: moneySchema,
    reason: z.string().nullable(),
    lines: z.array(z.object({ lineId: idSchema, amount: moneySchema })),
    createdAt: timeSchema,
    updatedAt: timeSchema,
  })
  .meta({
    id: 'Refund',
    description: 'Money given back, or on its way. A failed refund frees what it had reserved.',
    example: {
      id: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d13',
      paymentId: PAYMENT_ID,
      status: 'succeeded',
      amount: AMOUNT,
      reason: 'damaged in transit',
      lines: [{ lineId: LINE_ID, amount: AMOUNT }],
      createdAt: TIME,
      updatedAt: TIME,
    },
  });

export const paymentView = z
  .object({
    id: idSchema,
    orderId: idSchema,
    status: z.enum(PAYMENT_STATUSES),
    outcome: z.enum(['pending', 'unknown']).nullable().meta({
      description: 'While `processing`: `unknown` means that the gateway has not told yet. Do not pay again.',
    }),
    resolveBy: timeSchema.nullable().meta({
      description: 'While `processing`: when staff are asked at the latest, should nobody find out before.',
    }),
    method: z.string(),
    captureMode: z.enum(CAPTURE_MODES),
    amount: moneySchema,
    authorizedAmount: moneySchema,
    capturedAmount: moneySchema,
    refundedAmount: moneySchema,
    pendingRefundAmount: moneySchema,
    disputedAmount: moneySchema.meta({ description: 'What banks hold because customers have complained.' }),
    authorizedUntil: timeSchema.nullable().meta({
      description: 'Until when what is authorized can be captured, where the gateway says so.',
    }),
    declineCode: z.string().nullable(),
    gateway: z.string(),
    operations: z
      .array(
        z.object({
          id: idSchema,
          kind: z.enum(OPERATION_KINDS),
          status: z.enum(OPERATION_STATUSES),
          amount: moneySchema,
          declineCode: z.string().nullable(),
          needsAttention: z.boolean().meta({
            description: 'Nobody can find out what became of it: an admin has to say so.',
          }),
          resolvedBy: z.string().nullable().meta({ description: 'The admin who said so last.' }),
          resolutionReason: z.string().nullable().meta({ description: 'What the admin gave as the reason.' }),
          createdAt: timeSchema,
          updatedAt: timeSchema,
        }),
      )
      .meta({ description: 'What was asked of the gateway: the newest hundred.' }),
    refunds: z.array(refundView).meta({ description: 'The newest hundred.' }),
    version: z.int(),
    createdAt: timeSchema,
    updatedAt: timeSchema,
  })
  .meta({
    id: 'Payment',
    description: 'The payment of one order.',
    example: {
      id: PAYMENT_ID,
      orderId: ORDER_ID,
      status: 'captured',
      outcome: null,
      resolveBy: null,
      method: 'pm_card_visa',
      captureMode: 'automatic',
      amount: AMOUNT,
      authorizedAmount: AMOUNT,
      capturedAmount: AMOUNT,
      refundedAmount: { amount: 0, currency: 'GBP' },
      pendingRefundAmount: { amount: 0, currency: 'GBP' },
      disputedAmount: { amount: 0, currency: 'GBP' },
      authorizedUntil: null,
      declineCode: null,
      gateway: 'sandbox',
      operations: [],
      refunds: [],
      version: 2,
      createdAt: TIME,
      updatedAt: TIME,
    },
  });

export const paymentPageView = pageSchema('PaymentPage', paymentView);

export const paymentQuery = pageQuerySchema.extend({
  status: z.enum(PAYMENT_STATUSES).optional(),
  orderId: idSchema.optional(),
});
export type PaymentQuery = z.output<typeof paymentQuery>;

export const captureRequest = z.strictObject({ amount: positiveMoneySchema.optional() }).meta({
  id: 'CapturePayment',
  description: 'Without an amount all that is left of the authorization is captured.',
  example: { amount: AMOUNT },
});
export type CaptureRequest = z.output<typeof captureRequest>;

export const cancelRequest = z
  .strictObject({})
  .meta({ id: 'CancelPayment', description: 'Nothing to say: an empty object.', example: {} });

export const refundRequest = z
  .strictObject({
    id: newIdSchema.optional(),
    amount: positiveMoneySchema.optional(),
    lines: z
      .array(z.strictObject({ lineId: idSchema, amount: positiveMoneySchema.optional() }))
      .min(1)
      .max(MAX_REFUND_LINES)
      .optional()
      .meta({
        description: 'Lines of the order; a line without an amount is refunded as far as it is left.',
      }),
    reason: reasonSchema.optional(),
  })
  .refine(({ amount, lines }) => amount === undefined || lines === undefined, {
    path: ['amount'],
    message: 'Name an amount or lines, not both.',
    params: { code: 'amount_or_lines' },
  })
  .refine(
    ({ lines }) => lines === undefined || new Set(lines.map(({ lineId }) => lineId)).size === lines.length,
    {
      path: ['lines'],
      message: 'Each line may be named once.',
      params: { code: 'duplicate_line' },
    },
  )
  .meta({
    id: 'RefundPayment',
    description: 'An amount, or lines, or neither: then everything that is left is refunded.',
    example: { lines: [{ lineId: LINE_ID, amount: AMOUNT }], reason: 'damaged in transit' },
  });
export type RefundRequest = z.output<typeof refundRequest>;

const accountBalance = z.object({
  account: z.enum(LEDGER_ACCOUNTS),
  balance: moneySchema.meta({ description: 'Debits minus credits.' }),
});

export const accountsView = z.object({ data: z.array(accountBalance) }).meta({
  id: 'LedgerAccounts',
  description: 'The balance of every account in every currency.',
  example: { data: [{ account: 'gateway_clearing', balance: AMOUNT }] },
});

export const trialBalanceView = z
  .object({
    accounts: z.array(accountBalance),
    totals: z.array(moneySchema).meta({ description: 'The sum of all accounts per currency: zero.' }),
    balanced: z.boolean(),
  })
  .meta({
    id: 'TrialBalance',
    description: 'Whether the books balance.',
    example: {
      accounts: [
        { account: 'gateway_clearing', balance: AMOUNT },
        { account: 'sales', balance: { amount: -1250, currency: 'GBP' } },
      ],
      totals: [{ amount: 0, currency: 'GBP' }],
      balanced: true,
    },
  });

const ledgerTransactionView = z
  .object({
    id: idSchema,
    kind: z.enum(LEDGER_ENTRY_KINDS),
    paymentId: idSchema,
    orderId: idSchema,
    operationId: idSchema.nullable().meta({ description: 'The operation that moved the money.' }),
    disputeId: idSchema.nullable().meta({ description: 'The dispute that moved it.' }),
    postings: z.array(z.object({ account: z.enum(LEDGER_ACCOUNTS), amount: moneySchema })),
    occurredAt: timeSchema,
  })
  .meta({
    id: 'LedgerTransaction',
    description: 'A movement of money: debits positive, credits negative, together zero.',
    example: {
      id: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d14',
      kind: 'capture',
      paymentId: PAYMENT_ID,
      orderId: ORDER_ID,
      operationId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d15',
      disputeId: null,
      postings: [
        { account: 'gateway_clearing', amount: AMOUNT },
        { account: 'sales', amount: { amount: -1250, currency: 'GBP' } },
      ],
      occurredAt: TIME,
    },
  });

export const ledgerPageView = pageSchema('LedgerTransactionPage', ledgerTransactionView);

export const ledgerQuery = pageQuerySchema.extend({ orderId: idSchema.optional() });
export type LedgerQuery = z.output<typeof ledgerQuery>;

export const disputeView = z
  .object({
    id: idSchema,
    paymentId: idSchema,
    orderId: idSchema,
    gatewayId: z
      .string()
      .meta({ description: 'The gateway’s name for it, to be looked up in its dashboard.' }),
    status: z.enum(DISPUTE_STATUSES).meta({
      description:
        'An `inquiry` takes no money; from `needs_response` on the bank holds it, until the dispute is `won`.',
    }),
    amount: moneySchema,
    reason: z.string(),
    respondBy: timeSchema.nullable().meta({ description: 'Until when evidence may be handed in.' }),
    createdAt: timeSchema,
    updatedAt: timeSchema,
  })
  .meta({
    id: 'Dispute',
    description: 'A customer has complained to their bank about a payment.',
    example: {
      id: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d19',
      paymentId: PAYMENT_ID,
      orderId: ORDER_ID,
      gatewayId: 'dp_1PgafmB7WZ01zgkW',
      status: 'needs_response',
      amount: AMOUNT,
      reason: 'fraudulent',
      respondBy: TIME,
      createdAt: TIME,
      updatedAt: TIME,
    },
  });

export const disputePageView = pageSchema('DisputePage', disputeView);

export const disputeQuery = pageQuerySchema.extend({
  status: z.enum(DISPUTE_STATUSES).optional(),
  paymentId: idSchema.optional(),
});
export type DisputeQuery = z.output<typeof disputeQuery>;

const reason = reasonSchema.meta({ description: 'Why: it is kept with the operation.' });

export const resolveOperationRequest = z
  .discriminatedUnion('outcome', [
    z.strictObject({
      outcome: z.literal('succeeded'),
      gatewayId: text(255).meta({ description: 'What the gateway calls the effect.' }),
      reason,
    }),
    z.strictObject({ outcome: z.literal('failed'), reason }),
    z.strictObject({ outcome: z.literal('ask_again'), reason }),
  ])
  .meta({
    id: 'ResolveOperation',
    description: 'What became of an operation, as the books of the gateway show it.',
    example: { outcome: 'failed', reason: 'The dashboard of the gateway knows nothing of it.' },
  });
export type ResolveOperationRequest = z.output<typeof resolveOperationRequest>;

export const webhookReceipt = z
  .object({ received: z.literal(true) })
  .meta({ id: 'WebhookReceipt', description: 'It is kept.', example: { received: true } });

export const gatewayParam = z.object({ gateway: text(50) });

export const reportParam = z.object({ id: text(255) });

export const settleReportRequest = z
  .strictObject({ reason: reasonSchema.meta({ description: 'What was done about it.' }) })
  .meta({
    id: 'SettleReport',
    description: 'What was done about a contradiction.',
    example: { reason: 'Refunded in the dashboard of the gateway.' },
  });
export type SettleReportRequest = z.output<typeof settleReportRequest>;
