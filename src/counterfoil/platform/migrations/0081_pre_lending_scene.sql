-- Merchants of scenes, stops of new loans, and what drawdowns under way take of a scene's limit.
SET LOCAL lock_timeout = '3s';

CREATE FUNCTION lending.keep_scene_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is only added to, never changed or removed',
        TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'CF003';
END $$;

-- Where a merchant of a scene is paid, by version; the last one holds, the others are known again.
CREATE TABLE lending.scene_payee (
    merchant_id    bigint      NOT NULL,
    version_no     integer     NOT NULL,
    scene          text        NOT NULL,
    name           text        NOT NULL,
    payee_ref      text        NOT NULL,
    asked_by       text        NOT NULL,
    approved_by    text        NOT NULL,
    approval_id    bigint      NOT NULL,
    registered_at  timestamptz NOT NULL,
    CONSTRAINT scene_payee_pkey PRIMARY KEY (merchant_id, version_no),
    CONSTRAINT scene_payee_once_approved UNIQUE (approval_id),
    CONSTRAINT scene_payee_by_two_people CHECK (asked_by <> approved_by)
);
CREATE INDEX scene_payee_of_scene ON lending.scene_payee (scene, payee_ref);
CREATE TRIGGER scene_payee_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON lending.scene_payee
FOR EACH STATEMENT EXECUTE FUNCTION lending.keep_scene_history();

-- When new loans of a scene, or of one merchant in it, stopped and went on again.
CREATE TABLE lending.scene_stop (
    stop_id      bigint      NOT NULL,
    scene        text        NOT NULL,
    -- 0 is the scene as a whole.
    merchant_id  bigint      NOT NULL,
    is_stopped   boolean     NOT NULL,
    loans_count  bigint      NOT NULL,
    owed_minor   bigint      NOT NULL,
    late_minor   bigint      NOT NULL,
    by           text        NOT NULL,
    reason       text        NOT NULL,
    at           timestamptz NOT NULL,
    CONSTRAINT scene_stop_pkey PRIMARY KEY (stop_id),
    CONSTRAINT scene_stop_counts CHECK (loans_count >= 0 AND late_minor BETWEEN 0 AND owed_minor),
    CONSTRAINT scene_stop_has_a_reason CHECK (length(btrim(reason)) > 0)
);
CREATE INDEX scene_stop_last ON lending.scene_stop (scene, merchant_id, stop_id DESC);
CREATE TRIGGER scene_stop_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON lending.scene_stop
FOR EACH STATEMENT EXECUTE FUNCTION lending.keep_scene_history();

-- What a drawdown under way takes of a scene's limit until its loan stands in the books.
CREATE TABLE lending.scene_reservation (
    customer_id      bigint      NOT NULL,
    idempotency_key  text        NOT NULL,
    scene            text        NOT NULL,
    amount_minor     bigint      NOT NULL,
    reserved_at      timestamptz NOT NULL,
    CONSTRAINT scene_reservation_pkey PRIMARY KEY (customer_id, idempotency_key),
    CONSTRAINT scene_reservation_positive CHECK (amount_minor > 0)
);
