import { Platform1795000000001 } from './1795000000001-platform.js';
import { Users1795000000002 } from './1795000000002-users.js';
import { Catalog1795000000003 } from './1795000000003-catalog.js';
import { Payments1795000000004 } from './1795000000004-payments.js';
import { Orders1795000000005 } from './1795000000005-orders.js';
import { PaymentResolution1795000000006 } from './1795000000006-payment-resolution.js';
import { OrderReturns1795000000007 } from './1795000000007-order-returns.js';
import { Invariants1795000000008 } from './1795000000008-invariants.js';
import { Accounts1795000000009 } from './1795000000009-accounts.js';
import { Audit1795000000010 } from './1795000000010-audit.js';
import { ApiKeys1795000000011 } from './1795000000011-api-keys.js';
import { OrderClosing1795000000012 } from './1795000000012-order-closing.js';
import { ExternalIdentities1795000000013 } from './1795000000013-external-identities.js';
import { Events1795000000014 } from './1795000000014-events.js';
import { Sales1795000000015 } from './1795000000015-sales.js';
import { Webhooks1795000000016 } from './1795000000016-webhooks.js';
import { SecondFactor1795000000017 } from './1795000000017-second-factor.js';
import { LinkedIdentities1795000000018 } from './1795000000018-linked-identities.js';
import { SessionOrigins1795000000019 } from './1795000000019-session-origins.js';
import { AccountRetention1795000000020 } from './1795000000020-account-retention.js';
import { AuditAssurance1795000000021 } from './1795000000021-audit-assurance.js';
import { LiveTokens1795000000022 } from './1795000000022-live-tokens.js';
import { WaitingEvents1795000000023 } from './1795000000023-waiting-events.js';
import { WebhookDeliveriesByStatus1795000000024 } from './1795000000024-webhook-deliveries-by-status.js';
import { AuditCommands1795000000025 } from './1795000000025-audit-commands.js';
import { FirstBatches1795000000026 } from './1795000000026-first-batches.js';
import { TokensSince1795000000030 } from './1795000000030-tokens-since.js';

/** The one linear history of the database, oldest first. */
export const migrations = [
  Platform1795000000001,
  Users1795000000002,
  Catalog1795000000003,
  Payments1795000000004,
  Orders1795000000005,
  PaymentResolution1795000000006,
  OrderReturns1795000000007,
  Invariants1795000000008,
  Accounts1795000000009,
  Audit1795000000010,
  ApiKeys1795000000011,
  OrderClosing1795000000012,
  ExternalIdentities1795000000013,
  Events1795000000014,
  Sales1795000000015,
  Webhooks1795000000016,
  SecondFactor1795000000017,
  LinkedIdentities1795000000018,
  SessionOrigins1795000000019,
  AccountRetention1795000000020,
  AuditAssurance1795000000021,
  LiveTokens1795000000022,
  WaitingEvents1795000000023,
  WebhookDeliveriesByStatus1795000000024,
  AuditCommands1795000000025,
  FirstBatches1795000000026,
  TokensSince1795000000030,
];
