import { SqlMigration } from './sql-migration.js';

/** Payments, the operations at the gateway, refunds, and the ledger. */
export class Payments1795000000004 extends SqlMigration {
  protected readonly upSql = `
    CREATE SCHEMA payments;

    CREATE TABLE payments.payments (
      id                    uuid        PRIMARY KEY,
      order_id              uuid        NOT NULL,
      status                text        NOT NULL CHECK (status IN ('requires_payment_method', 'requires_action', 'processing',
                                          'authorized', 'partially_captured', 'captured', 'canceled', 'failed')),
      -- only while processing
      outcome               text        CHECK (outcome IN ('pending', 'unknown')),
      resolve_by            timestamptz(3),
      method                text        NOT NULL,
      capture_mode          text        NOT NULL CHECK (capture_mode IN ('automatic', 'manual', 'on_fulfillment')),
      currency              text        NOT NULL,
      amount                bigint      NOT NULL CHECK (amount >= 0),
      authorized_amount     bigint      NOT NULL DEFAULT 0,
      captured_amount       bigint      NOT NULL DEFAULT 0,
      refunded_amount       bigint      NOT NULL DEFAULT 0,
      pending_refund_amount bigint      NOT NULL DEFAULT 0,
      gateway               text        NOT NULL,
      gateway_payment_id    text,
      -- why the last attempt was declined, in the gateway's stable words
      decline_code          text,
      -- what part of the amounts above is for shipping and for tax; the rest is for goods
      shipping_amount          bigint   NOT NULL,
      tax_amount               bigint   NOT NULL,
      captured_shipping_amount bigint   NOT NULL DEFAULT 0,
      captured_tax_amount      bigint   NOT NULL DEFAULT 0,
      refunded_shipping_amount bigint   NOT NULL DEFAULT 0,
      refunded_tax_amount      bigint   NOT NULL DEFAULT 0,
      version               integer     NOT NULL DEFAULT 1,
      created_at            timestamptz(3) NOT NULL DEFAULT now(),
      updated_at            timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT payments_order_id UNIQUE (order_id),
      CONSTRAINT payments_amounts CHECK (
        0 <= refunded_amount AND 0 <= pending_refund_amount
        AND refunded_amount + pending_refund_amount <= captured_amount
        AND captured_amount <= authorized_amount AND authorized_amount <= amount)
    );
    CREATE INDEX payments_newest ON payments.payments (created_at DESC, id DESC);

    -- What can be refunded for each line of the order: its total with its share of shipping and tax, frozen.
    CREATE TABLE payments.allocations (
      payment_id      uuid   NOT NULL REFERENCES payments.payments (id),
      line_id         uuid   NOT NULL,
      amount          bigint NOT NULL CHECK (amount >= 0),
      -- refunded, or reserved by a refund on its way
      refunded_amount bigint NOT NULL DEFAULT 0,
      PRIMARY KEY (payment_id, line_id),
      CONSTRAINT allocations_refunded CHECK (refunded_amount BETWEEN 0 AND amount)
    );

    CREATE TABLE payments.refunds (
      id          uuid        PRIMARY KEY,
      payment_id  uuid        NOT NULL REFERENCES payments.payments (id),
      amount      bigint      NOT NULL CHECK (amount > 0),
      status      text        NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
      reason      text,
      -- [{ lineId, amount }] in minor units; empty for a refund by amount
      lines       jsonb       NOT NULL,
      created_at  timestamptz(3) NOT NULL DEFAULT now(),
      updated_at  timestamptz(3) NOT NULL DEFAULT now()
    );
    CREATE INDEX refunds_payment_id ON payments.refunds (payment_id, created_at);

    CREATE TABLE payments.operations (
      -- also the idempotency key and our reference at the gateway
      id              uuid        PRIMARY KEY,
      payment_id      uuid        NOT NULL REFERENCES payments.payments (id),
      kind            text        NOT NULL CHECK (kind IN ('authorize', 'capture', 'void', 'refund')),
      status          text        NOT NULL CHECK (status IN ('created', 'sent', 'succeeded', 'declined', 'failed', 'unknown')),
      amount          bigint      NOT NULL CHECK (amount >= 0),
      method          text,
      refund_id       uuid        REFERENCES payments.refunds (id),
      decline_code    text,
      gateway_id      text,
      attempts        integer     NOT NULL DEFAULT 0,
      -- who works on it, by a number that rises with every claim, and until when
      fence           integer     NOT NULL DEFAULT 0,
      leased_until    timestamptz(3),
      next_attempt_at timestamptz(3) NOT NULL DEFAULT now(),
      created_at      timestamptz(3) NOT NULL DEFAULT now(),
      updated_at      timestamptz(3) NOT NULL DEFAULT now()
    );
    CREATE INDEX operations_payment_id ON payments.operations (payment_id, created_at);
    -- At most one operation of a kind is open per payment; refunds reserve their amounts and may overlap.
    CREATE UNIQUE INDEX operations_one_open ON payments.operations (payment_id, kind)
      WHERE status IN ('created', 'sent', 'unknown') AND kind <> 'refund';
    CREATE INDEX operations_due ON payments.operations (next_attempt_at) WHERE status IN ('created', 'sent', 'unknown');

    CREATE TABLE payments.ledger_transactions (
      id           uuid        PRIMARY KEY,
      kind         text        NOT NULL CHECK (kind IN ('capture', 'refund')),
      payment_id   uuid        NOT NULL,
      order_id     uuid        NOT NULL,
      operation_id uuid        NOT NULL,
      currency     text        NOT NULL,
      occurred_at  timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT ledger_transactions_operation UNIQUE (operation_id)
    );
    CREATE INDEX ledger_transactions_newest ON payments.ledger_transactions (occurred_at DESC, id DESC);
    CREATE INDEX ledger_transactions_order ON payments.ledger_transactions (order_id);

    CREATE TABLE payments.ledger_postings (
      transaction_id uuid   NOT NULL REFERENCES payments.ledger_transactions (id),
      account        text   NOT NULL CHECK (account IN ('gateway_clearing', 'sales', 'sales_refunds', 'shipping',
                                'tax_payable', 'disputes', 'fees')),
      -- debit positive, credit negative, in minor units
      amount         bigint NOT NULL CHECK (amount <> 0),
      currency       text   NOT NULL,
      PRIMARY KEY (transaction_id, account)
    );
    CREATE INDEX ledger_postings_account ON payments.ledger_postings (account, currency) INCLUDE (amount);

    CREATE FUNCTION payments.refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'The ledger is immutable: correct it by a new posting.' USING ERRCODE = 'restrict_violation';
    END $$;
    CREATE TRIGGER ledger_transactions_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON payments.ledger_transactions
      FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_ledger_change();
    CREATE TRIGGER ledger_postings_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON payments.ledger_postings
      FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_ledger_change();

    CREATE FUNCTION payments.require_balanced_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT FROM payments.ledger_postings WHERE transaction_id = NEW.transaction_id
                  GROUP BY currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'The ledger transaction % is not balanced.', NEW.transaction_id USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER ledger_postings_balanced AFTER INSERT ON payments.ledger_postings
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments.require_balanced_ledger();
  `;

  protected readonly downSql = 'DROP SCHEMA payments CASCADE;';
}
