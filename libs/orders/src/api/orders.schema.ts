import { z } from 'zod';
import {
  counted,
  emailSchema,
  idSchema,
  moneySchema,
  newIdSchema,
  pageQuerySchema,
  pageSchema,
  priceSchema,
  quantitySchema,
  reasonSchema,
  text,
  timeSchema,
} from '#platform/http';
import { MAX_CHANGED_TOGETHER } from '../application/change-each.js';
import { CAPTURE_MODES, PAYMENT_STATUSES } from '../application/order-view.js';
import { ORDER_CHANGES } from '../domain/order-change.js';
import { ORDER_STATUSES } from '../domain/order-status.js';

/** Lines of one order at most. */
export const MAX_LINES = 1_000;
const MAX_METADATA_ENTRIES = 50;

const ORDER_ID = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11';
const LINE_ID = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12';
const PRODUCT_ID = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d16';
const UNIT_PRICE = { amount: 3900, currency: 'GBP' };
const TOTAL = { amount: 7800, currency: 'GBP' };
const ZERO = { amount: 0, currency: 'GBP' };
const TIME = '2026-11-20T12:00:00.000Z';

const shippingAddress = z
  .strictObject({
    name: text(200).optional(),
    line1: text(200).optional(),
    line2: text(200).optional(),
    city: text(100).optional(),
    region: text(100).optional(),
    postalCode: text(20).optional(),
    country: z
      .string()
      .regex(/^[A-Z]{2}$/, 'Must be an ISO 3166-1 alpha-2 code.')
      .meta({ example: 'GB' }),
  })
  .meta({
    id: 'ShippingAddress',
    description: 'Where the goods go.',
    example: {
      name: 'Ada Lovelace',
      line1: '12 St James’s Square',
      city: 'London',
      postalCode: 'SW1Y 4JH',
      country: 'GB',
    },
  });

const requestedLine = z
  .strictObject({ productId: idSchema.optional(), sku: text(100).optional(), quantity: quantitySchema })
  .refine(({ productId, sku }) => (productId === undefined) !== (sku === undefined), {
    message: 'Name the product by productId or by sku.',
    params: { code: 'product_id_or_sku' },
  })
  .meta({ example: { sku: 'DEMO-APRON', quantity: 2 } });

const metadata = counted(
  MAX_METADATA_ENTRIES,
  z.record(
    text(40).refine((name) => name !== '__proto__', { params: { code: 'not_allowed' } }),
    text(500, 0),
  ),
).meta({ description: 'Your own notes: at most 50 names of 40 characters with values of 500.' });

/** What a quote and an order have in common. */
const orderContent = {
  lines: counted(MAX_LINES, z.array(requestedLine).min(1).max(MAX_LINES)),
  expectedTotal: priceSchema.optional().meta({
    description: 'What the customer was shown: refused with `price_changed` when it is something else.',
  }),
};

export const placeOrderRequest = z
  .strictObject({
    id: newIdSchema.optional(),
    ...orderContent,
    email: emailSchema.optional().meta({ description: 'Needed without an account.' }),
    shippingAddress: shippingAddress.optional(),
    payment: z.strictObject({
      method: text(200).meta({ description: 'For instance `pm_card_visa`.', example: 'pm_card_visa' }),
      capture: z
        .enum(CAPTURE_MODES)
        .default('automatic')
        .meta({ description: 'When the money is taken: at once, by staff, or as goods leave.' }),
    }),
    metadata: metadata.prefault({}),
  })
  .meta({
    id: 'PlaceOrder',
    description: 'An order to be placed.',
    example: {
      lines: [{ sku: 'DEMO-APRON', quantity: 2 }],
      email: 'ada@example.com',
      expectedTotal: TOTAL,
      payment: { method: 'pm_card_visa', capture: 'automatic' },
    },
  });
export type PlaceOrderRequest = z.output<typeof placeOrderRequest>;

/** The same body as an order's, so that a front-end can quote what it is about to send. */
export const quoteRequest = placeOrderRequest.partial({ payment: true }).meta({
  id: 'QuoteOrder',
  description: 'An order to be priced; the payment may be left out.',
  example: {
    lines: [{ sku: 'DEMO-APRON', quantity: 2 }],
  },
});
export type QuoteRequest = z.output<typeof quoteRequest>;

export const orderView = z
  .object({
    id: idSchema,
    number: z.string().meta({ description: 'Short and human; never used again.' }),
    status: z.enum(ORDER_STATUSES),
    customerId: idSchema.nullable(),
    email: z.string(),
    lines: z.array(
      z.object({
        id: idSchema,
        productId: idSchema,
        sku: z.string(),
        name: z.string(),
        quantity: z.int(),
        unitPrice: moneySchema,
        total: moneySchema,
        fulfilledQuantity: z.int(),
        canceledQuantity: z.int().meta({ description: 'Will never leave, since the order was closed.' }),
        returnedQuantity: z.int().meta({ description: 'Of what was fulfilled.' }),
        refundedAmount: moneySchema,
      }),
    ),
    subtotal: moneySchema,
    shipping: moneySchema,
    tax: moneySchema,
    total: moneySchema,
    payment: z.object({
      id: idSchema,
      status: z.enum(PAYMENT_STATUSES),
      outcome: z.enum(['pending', 'unknown']).nullable().meta({
        description: '`unknown`: the gateway has not told yet. Do not pay again; ask for the order later.',
      }),
      declineCode: z.string().nullable(),
    }),
    shippingAddress: shippingAddress.nullable(),
    metadata: z.record(z.string(), z.string()),
    version: z.int().meta({ description: 'Rises by one with each row of the timeline.' }),
    placedAt: timeSchema,
    updatedAt: timeSchema,
    closedAt: timeSchema.nullable().meta({ description: 'When its rest was given up.' }),
    orderToken: z
      .string()
      .optional()
      .meta({ description: 'For a guest, once: send it as `X-Order-Token` to open this order.' }),
  })
  .meta({
    id: 'Order',
    description: 'An order.',
    example: {
      id: ORDER_ID,
      number: 'SY-100001',
      status: 'confirmed',
      customerId: null,
      email: 'ada@example.com',
      lines: [
        {
          id: LINE_ID,
          productId: PRODUCT_ID,
          sku: 'DEMO-APRON',
          name: 'Linen apron',
          quantity: 2,
          unitPrice: UNIT_PRICE,
          total: TOTAL,
          fulfilledQuantity: 0,
          canceledQuantity: 0,
          returnedQuantity: 0,
          refundedAmount: ZERO,
        },
      ],
      subtotal: TOTAL,
      shipping: ZERO,
      tax: ZERO,
      total: TOTAL,
      payment: {
        id: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10',
        status: 'captured',
        outcome: null,
        declineCode: null,
      },
      shippingAddress: null,
      metadata: {},
      version: 2,
      placedAt: TIME,
      updatedAt: TIME,
      closedAt: null,
    },
  });

export const orderPageView = pageSchema('OrderPage', orderView);

export const orderQuery = pageQuerySchema.extend({
  status: z.enum(ORDER_STATUSES).optional(),
  customerId: idSchema.optional().meta({ description: 'Staff only.' }),
  placedAfter: timeSchema.optional(),
  placedBefore: timeSchema.optional(),
});
export type OrderQuery = z.output<typeof orderQuery>;

export const quoteView = z
  .object({
    lines: z.array(
      z.object({
        productId: idSchema,
        sku: z.string(),
        name: z.string(),
        quantity: z.int(),
        unitPrice: moneySchema,
        total: moneySchema,
        available: z.int(),
      }),
    ),
    subtotal: moneySchema,
    shipping: moneySchema,
    tax: moneySchema,
    total: moneySchema,
    inStock: z.boolean().meta({ description: 'Whether the stock covers every line now.' }),
  })
  .meta({
    id: 'Quote',
    description: 'What the order would cost now.',
    example: {
      lines: [
        {
          productId: PRODUCT_ID,
          sku: 'DEMO-APRON',
          name: 'Linen apron',
          quantity: 2,
          unitPrice: UNIT_PRICE,
          total: TOTAL,
          available: 40,
        },
      ],
      subtotal: TOTAL,
      shipping: ZERO,
      tax: ZERO,
      total: TOTAL,
      inStock: true,
    },
  });

export const payOrderRequest = z
  .strictObject({ method: text(200) })
  .meta({ id: 'PayOrder', description: 'Another payment attempt.', example: { method: 'pm_card_visa' } });
export type PayOrderRequest = z.output<typeof payOrderRequest>;

const timelineReason = reasonSchema.meta({
  description:
    'Why. It stands in the timeline: what staff write is for staff, what customers write they see as well.',
});

export const cancelOrderRequest = z
  .strictObject({ reason: timelineReason.optional() })
  .meta({ id: 'CancelOrder', description: 'Why, if you like.', example: { reason: 'ordered twice' } });
export type CancelOrderRequest = z.output<typeof cancelOrderRequest>;

export const closeOrderRequest = z
  .strictObject({ reason: timelineReason.optional() })
  .meta({ id: 'CloseOrder', description: 'Why, if you like.', example: { reason: 'the rest is sold out' } });
export type CloseOrderRequest = z.output<typeof closeOrderRequest>;

export const claimOrdersRequest = z
  .strictObject({})
  .meta({ id: 'ClaimOrders', description: 'Nothing: the address is that of the account.', example: {} });

export const claimResultView = z
  .object({
    claimed: z.int().meta({
      description:
        'How many orders came to the account. After 100 there may be more: call again with another key.',
    }),
  })
  .meta({ id: 'ClaimedOrders', description: 'What was claimed.', example: { claimed: 2 } });

export const transferOrdersRequest = z
  .strictObject({
    fromCustomerId: idSchema,
    toCustomerId: idSchema,
    orderIds: z
      .array(idSchema)
      .min(1)
      .max(MAX_CHANGED_TOGETHER)
      .optional()
      .meta({ description: 'Which orders; absent: all, at most 100 at a time.' }),
    reason: reasonSchema.meta({
      description: 'Why, for the house: in the timelines and the audit log, where neither customer sees it.',
    }),
  })
  .meta({
    id: 'TransferOrders',
    description: 'Which orders move from whom to whom.',
    example: {
      fromCustomerId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10',
      toCustomerId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11',
      reason: 'Ordered with an old account',
    },
  });
export type TransferOrdersRequest = z.output<typeof transferOrdersRequest>;

export const transferResultView = z
  .object({
    transferred: z.int().meta({
      description: 'How many orders moved. After 100 there may be more: call again with another key.',
    }),
    orders: z.array(z.object({ id: idSchema, number: z.string() })).meta({ description: 'Which ones.' }),
  })
  .meta({
    id: 'TransferredOrders',
    description: 'What was moved.',
    example: { transferred: 1, orders: [{ id: ORDER_ID, number: 'SY-100001' }] },
  });

export const timelineView = z
  .object({
    data: z.array(
      z.object({
        version: z.int(),
        from: z.enum(ORDER_STATUSES).nullable(),
        to: z.enum(ORDER_STATUSES),
        cause: z.string().meta({
          description: `What happened: ${ORDER_CHANGES.map((change) => `\`${change}\``).join(', ')}. There may be more.`,
        }),
        reason: z.string().nullable(),
        actor: z.string(),
        requestId: z.string(),
        occurredAt: timeSchema,
      }),
    ),
  })
  .meta({
    id: 'OrderTimeline',
    description: 'Everything that happened to the order, newest first.',
    example: {
      data: [
        {
          version: 2,
          from: 'pending_payment',
          to: 'confirmed',
          cause: 'confirmed',
          reason: null,
          actor: 'anonymous',
          requestId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d18',
          occurredAt: TIME,
        },
      ],
    },
  });
