-- The ground under every command: business date, idempotency records, outbox.
SET LOCAL lock_timeout = '3s';

CREATE SCHEMA IF NOT EXISTS platform;

-- One row. Moved by the close of day alone; read by every command.
CREATE TABLE platform.business_date (
    singleton      boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    business_date  date        NOT NULL,
    moved_at       timestamptz NOT NULL
);

-- One accepted command. The key is the client's; the answer is what was acknowledged, to the byte.
CREATE TABLE platform.command (
    customer_id      bigint      NOT NULL,
    idempotency_key  text        NOT NULL,
    request_hash     bytea       NOT NULL,
    kind             text        NOT NULL,
    answer           text        NOT NULL,
    accepted_at      timestamptz NOT NULL,
    CONSTRAINT command_once PRIMARY KEY (customer_id, idempotency_key)
);
CREATE TYPE platform.command_v1 AS (
    customer_id bigint, idempotency_key text, request_hash bytea, kind text, answer text,
    accepted_at timestamptz
);
CREATE TYPE platform.command_key_v1 AS (customer_id bigint, idempotency_key text);

-- What others must hear. Append-only; consumers keep a cursor each and read only below the
-- oldest transaction still running, so that a late commit is never skipped.
CREATE TABLE platform.outbox (
    xid          xid8        NOT NULL DEFAULT pg_current_xact_id(),
    event_id     bigint      NOT NULL,
    customer_id  bigint      NOT NULL,
    kind         text        NOT NULL,
    subject_id   bigint      NOT NULL,
    payload      text        NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (xid, event_id)
);
CREATE TYPE platform.outbox_v1 AS (
    event_id bigint, customer_id bigint, kind text, subject_id bigint, payload text,
    created_at timestamptz
);

-- Holds the business date for the rest of the transaction, or says that it has moved.
-- The lock is shared among commands and exclusive for the close of day; the function is
-- volatile, so the date is read with a snapshot taken after the lock was granted.
CREATE FUNCTION platform.hold_business_date(expected date) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7205759403792793);
    IF (SELECT d.business_date FROM platform.business_date AS d) IS DISTINCT FROM expected THEN
        RAISE EXCEPTION 'business_date_moved' USING ERRCODE = 'CF002';
    END IF;
    RETURN true;
END $$;

-- Raises where a statement touched another number of rows than it decided on: somebody else
-- changed a row after it was read.
CREATE FUNCTION platform.expect_rows(expected bigint, touched bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF expected IS DISTINCT FROM touched THEN
        RAISE EXCEPTION 'state_changed: expected % rows, touched %', expected, touched
            USING ERRCODE = 'CF001';
    END IF;
    RETURN true;
END $$;
