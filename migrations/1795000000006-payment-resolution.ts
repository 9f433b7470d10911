import { SqlMigration } from './sql-migration.js';

/** What is needed to find out about payments: reports of the gateway, disputes, and operations that wait for staff. */
export class PaymentResolution1795000000006 extends SqlMigration {
  protected readonly upSql = `
    ALTER TABLE payments.payments
      -- until when what is authorized can be captured
      ADD COLUMN authorized_until timestamptz(3),
      -- what banks hold because customers have complained
      ADD COLUMN disputed_amount bigint NOT NULL DEFAULT 0 CHECK (disputed_amount >= 0);
    -- The shortest time for which cards hold money.
    UPDATE payments.payments SET authorized_until = updated_at + interval '5 days'
     WHERE status IN ('authorized', 'partially_captured');
    CREATE INDEX payments_authorized_until ON payments.payments (authorized_until) WHERE authorized_until IS NOT NULL;
    CREATE UNIQUE INDEX payments_gateway_payment_id ON payments.payments (gateway, gateway_payment_id)
      WHERE gateway_payment_id IS NOT NULL;

    ALTER TABLE payments.operations
      ADD COLUMN first_sent_at timestamptz(3),
      -- nobody can find out what became of it: staff have to say so
      ADD COLUMN needs_attention_since timestamptz(3),
      -- who said last what became of it, or had the gateway asked again, and why
      ADD COLUMN resolved_by text,
      ADD COLUMN resolution_reason text;
    UPDATE payments.operations SET first_sent_at = updated_at WHERE status IN ('sent', 'unknown');
    -- What banks refused, to find what nobody has done since.
    CREATE INDEX operations_refused ON payments.operations (payment_id, created_at)
      WHERE status IN ('failed', 'declined') AND kind <> 'authorize';
    CREATE INDEX operations_open ON payments.operations (created_at) WHERE status IN ('created', 'sent', 'unknown');

    CREATE TABLE payments.disputes (
      id         uuid           PRIMARY KEY,
      payment_id uuid           NOT NULL REFERENCES payments.payments (id),
      gateway_id text           NOT NULL,
      amount     bigint         NOT NULL CHECK (amount > 0),
      reason     text           NOT NULL,
      status     text           NOT NULL CHECK (status IN ('inquiry', 'needs_response', 'under_review', 'won', 'lost', 'closed')),
      respond_by timestamptz(3),
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT disputes_gateway_id UNIQUE (payment_id, gateway_id)
    );
    CREATE INDEX disputes_newest ON payments.disputes (created_at DESC, id DESC);

    -- What the gateway reports by itself: kept before it is answered, applied after.
    CREATE TABLE payments.gateway_reports (
      gateway         text           NOT NULL,
      id              text           NOT NULL,
      type            text           NOT NULL,
      -- as text: what a gateway sends need not fit into jsonb; forgotten when it was applied
      payload         json           NOT NULL,
      -- unmatched: about something that is not known yet; contradiction: staff have to look at it
      status          text           NOT NULL DEFAULT 'received'
                        CHECK (status IN ('received', 'applied', 'old', 'ignored', 'unmatched', 'abandoned', 'contradiction', 'settled')),
      -- what a contradiction is about, and what staff did about it
      operation_id       uuid,
      gateway_payment_id text,
      settled_by         text,
      settlement_reason  text,
      attempts        integer        NOT NULL DEFAULT 0,
      next_attempt_at timestamptz(3) NOT NULL DEFAULT now(),
      received_at     timestamptz(3) NOT NULL DEFAULT now(),
      applied_at      timestamptz(3),
      PRIMARY KEY (gateway, id)
    );
    CREATE INDEX gateway_reports_due ON payments.gateway_reports (next_attempt_at) WHERE status IN ('received', 'unmatched');
    CREATE INDEX gateway_reports_contradictions ON payments.gateway_reports (received_at) WHERE status = 'contradiction';
    CREATE INDEX gateway_reports_done ON payments.gateway_reports (received_at)
      WHERE status IN ('applied', 'old', 'ignored', 'abandoned');

    ALTER TABLE payments.ledger_transactions
      ALTER COLUMN operation_id DROP NOT NULL,
      ADD COLUMN dispute_id uuid,
      DROP CONSTRAINT ledger_transactions_kind_check,
      ADD CONSTRAINT ledger_transactions_kind_check
        CHECK (kind IN ('capture', 'refund', 'refund_reversal', 'dispute', 'dispute_reversal')),
      DROP CONSTRAINT ledger_transactions_operation,
      ADD CONSTRAINT ledger_transactions_operation UNIQUE (operation_id, kind),
      ADD CONSTRAINT ledger_transactions_dispute UNIQUE (dispute_id, kind),
      ADD CONSTRAINT ledger_transactions_one_cause CHECK (num_nonnulls(operation_id, dispute_id) = 1);
  `;

  /** The ledger keeps what it has: postings of disputes and reversals must not be there any more, or this refuses. */
  protected readonly downSql = `
    ALTER TABLE payments.ledger_transactions
      DROP CONSTRAINT ledger_transactions_one_cause,
      DROP CONSTRAINT ledger_transactions_dispute,
      DROP CONSTRAINT ledger_transactions_operation,
      ADD CONSTRAINT ledger_transactions_operation UNIQUE (operation_id),
      DROP CONSTRAINT ledger_transactions_kind_check,
      ADD CONSTRAINT ledger_transactions_kind_check CHECK (kind IN ('capture', 'refund')),
      DROP COLUMN dispute_id,
      ALTER COLUMN operation_id SET NOT NULL;
    DROP TABLE payments.gateway_reports;
    DROP TABLE payments.disputes;
    DROP INDEX payments.operations_refused;
    DROP INDEX payments.operations_open;
    ALTER TABLE payments.operations
      DROP COLUMN first_sent_at, DROP COLUMN needs_attention_since, DROP COLUMN resolved_by,
      DROP COLUMN resolution_reason;
    DROP INDEX payments.payments_gateway_payment_id;
    ALTER TABLE payments.payments DROP COLUMN authorized_until, DROP COLUMN disputed_amount;
  `;
}
