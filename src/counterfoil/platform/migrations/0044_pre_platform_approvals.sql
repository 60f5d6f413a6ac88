-- What two people decide, and the trail of who looked, who changed and who was turned away.
SET LOCAL lock_timeout = '3s';

-- A request to do one thing, named by the hash of its payload. Whoever asks does not decide.
CREATE TABLE platform.approval (
    approval_id      bigint      NOT NULL,
    kind             text        NOT NULL,
    payload_hash     bytea       NOT NULL,
    summary          text        NOT NULL,
    requested_by     text        NOT NULL,
    request_reason   text        NOT NULL,
    requested_at     timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    decided_by       text,
    is_approved      boolean,
    decision_reason  text,
    decided_at       timestamptz,
    used_by          text,
    used_at          timestamptz,
    CONSTRAINT approval_pkey PRIMARY KEY (approval_id),
    CONSTRAINT approval_hash_is_sha256 CHECK (octet_length(payload_hash) = 32),
    CONSTRAINT approval_has_reasons CHECK (
        length(btrim(request_reason)) > 0
        AND (decided_by IS NULL OR length(btrim(decision_reason)) > 0)),
    CONSTRAINT approval_by_another CHECK (decided_by <> requested_by),
    CONSTRAINT approval_decision_complete CHECK (
        (decided_by IS NULL) = (is_approved IS NULL)
        AND (decided_by IS NULL) = (decided_at IS NULL)
        AND (decided_by IS NULL) = (decision_reason IS NULL)),
    CONSTRAINT approval_used_once_approved CHECK (
        (used_at IS NULL) = (used_by IS NULL) AND (used_at IS NULL OR is_approved)),
    CONSTRAINT approval_expires_later CHECK (expires_at > requested_at)
);
CREATE INDEX approval_by_payload ON platform.approval (payload_hash, kind);
CREATE INDEX approval_open ON platform.approval (approval_id) WHERE decided_at IS NULL;

CREATE FUNCTION platform.keep_decided() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (OLD.decided_at IS NOT NULL AND (
        NEW.decided_by, NEW.is_approved, NEW.decision_reason, NEW.decided_at, NEW.payload_hash
    ) IS DISTINCT FROM (
        OLD.decided_by, OLD.is_approved, OLD.decision_reason, OLD.decided_at, OLD.payload_hash
    )) OR (OLD.used_at IS NOT NULL AND NEW.used_at IS DISTINCT FROM OLD.used_at) THEN
        RAISE EXCEPTION 'what was decided stays as it was decided' USING ERRCODE = 'CF003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approval_stays BEFORE UPDATE OR DELETE ON platform.approval
FOR EACH ROW EXECUTE FUNCTION platform.keep_decided();

-- Who did what to whose data, why, from where, and how it ended. Append-only.
CREATE TABLE platform.trail (
    trail_id     bigint      NOT NULL,
    at           timestamptz NOT NULL,
    actor        text        NOT NULL,
    role         text        NOT NULL,
    source       text        NOT NULL,
    act          text        NOT NULL,
    outcome      text        NOT NULL,
    customer_id  bigint,
    subject      text        NOT NULL,
    purpose      text        NOT NULL,
    ticket       text        NOT NULL,
    reason       text        NOT NULL,
    before       text        NOT NULL,
    after        text        NOT NULL,
    CONSTRAINT trail_pkey PRIMARY KEY (trail_id),
    CONSTRAINT trail_is_whole CHECK (
        length(actor) > 0 AND length(act) > 0 AND length(outcome) > 0)
);
CREATE INDEX trail_by_customer ON platform.trail (customer_id, trail_id);
CREATE INDEX trail_by_actor ON platform.trail (actor, trail_id);

-- How far the trail has been committed to by a leaf of the log.
CREATE TABLE platform.trail_anchor (
    through_id  bigint      NOT NULL,
    after_id    bigint      NOT NULL,
    entries     bigint      NOT NULL,
    sha256      bytea       NOT NULL,
    leaf_id     bigint      NOT NULL,
    at          timestamptz NOT NULL,
    CONSTRAINT trail_anchor_pkey PRIMARY KEY (through_id),
    CONSTRAINT trail_anchor_once UNIQUE (after_id),
    CONSTRAINT trail_anchor_counts CHECK (entries > 0 AND through_id > after_id)
);

CREATE FUNCTION platform.keep_trail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the trail is only ever added to' USING ERRCODE = 'CF003';
END $$;
CREATE TRIGGER trail_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON platform.trail
FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_trail();
CREATE TRIGGER trail_anchor_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON platform.trail_anchor
FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_trail();
