import { defineEvent } from '#platform/messaging';
import { z } from 'zod';

/** What happens in the proof, to many aggregates: as large as the events of an order are. */
export const happened = defineEvent('proof', 'steelyard.proof.happened.v1', z.object({ note: z.string() }));

/** The consumer whose deliveries and effects are judged. */
export const CONSUMER = 'proof.ledger';

/**
 * What the proof remembers beside the outbox and the inbox: in which transaction an event was appended, each time that a
 * transport brought an event, and each time that the consumer applied one. Nothing here is unique, so that what happens
 * twice is there twice.
 */
export const SCHEMA = `
  CREATE SCHEMA proof;
  CREATE TABLE proof.appended (aggregate_id uuid NOT NULL, sequence int NOT NULL,
    transaction xid NOT NULL DEFAULT pg_current_xact_id()::xid);
  CREATE FUNCTION proof.note_appended() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO proof.appended (aggregate_id, sequence) VALUES (NEW.aggregate_id, NEW.sequence);
    RETURN NULL;
  END $$;
  CREATE TRIGGER noted AFTER INSERT ON platform.outbox FOR EACH ROW EXECUTE FUNCTION proof.note_appended();
  CREATE TABLE proof.deliveries (n bigint GENERATED ALWAYS AS IDENTITY, event_id uuid NOT NULL,
    aggregate_id uuid NOT NULL, sequence int NOT NULL, was_applied boolean NOT NULL);
  CREATE TABLE proof.applied (n bigint GENERATED ALWAYS AS IDENTITY, event_id uuid NOT NULL,
    aggregate_id uuid NOT NULL, sequence int NOT NULL, transaction xid NOT NULL DEFAULT pg_current_xact_id()::xid);
`;
