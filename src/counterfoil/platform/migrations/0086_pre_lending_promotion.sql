-- Promotions: what was agreed, how much of its budget is left, and what drawdowns took of it.
SET LOCAL lock_timeout = '3s';

CREATE FUNCTION lending.keep_promotions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is only added to, never changed or removed',
        TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'CF003';
END $$;

-- A promotion that two people signed, with its document.
CREATE TABLE lending.promotion (
    promotion_id  bigint      NOT NULL,
    code          text        NOT NULL,
    sha256        bytea       NOT NULL,
    document      text        NOT NULL,
    begins_on     date        NOT NULL,
    -- The first day on which it no longer holds.
    ends_on       date        NOT NULL,
    currency      char(3)     NOT NULL,
    budget_minor  bigint      NOT NULL,
    uses_most     bigint      NOT NULL,
    funder        text        NOT NULL,
    author        text        NOT NULL,
    approver      text        NOT NULL,
    approval_id   bigint      NOT NULL,
    published_at  timestamptz NOT NULL,
    CONSTRAINT promotion_pkey PRIMARY KEY (promotion_id),
    CONSTRAINT promotion_once UNIQUE (code),
    CONSTRAINT promotion_once_approved UNIQUE (approval_id),
    CONSTRAINT promotion_by_two_people CHECK (author <> approver),
    CONSTRAINT promotion_has_a_period CHECK (begins_on < ends_on),
    CONSTRAINT promotion_has_a_budget CHECK (budget_minor > 0 AND uses_most > 0),
    CONSTRAINT promotion_sha256 CHECK (length(sha256) = 32)
);
CREATE TRIGGER promotion_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON lending.promotion
FOR EACH STATEMENT EXECUTE FUNCTION lending.keep_promotions();

-- A promotion that was ended before its day.
CREATE TABLE lending.promotion_stop (
    promotion_id  bigint      NOT NULL,
    stopped_at    timestamptz NOT NULL,
    by            text        NOT NULL,
    reason        text        NOT NULL,
    CONSTRAINT promotion_stop_pkey PRIMARY KEY (promotion_id),
    CONSTRAINT promotion_stop_has_a_reason CHECK (length(btrim(reason)) > 0)
);
CREATE TRIGGER promotion_stop_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON lending.promotion_stop
FOR EACH STATEMENT EXECUTE FUNCTION lending.keep_promotions();

-- The budget in portions, so that drawdowns do not wait for one row; none goes below zero.
CREATE TABLE lending.promotion_portion (
    promotion_id  bigint   NOT NULL,
    portion_no    smallint NOT NULL,
    left_minor    bigint   NOT NULL,
    left_uses     bigint   NOT NULL,
    CONSTRAINT promotion_portion_pkey PRIMARY KEY (promotion_id, portion_no),
    CONSTRAINT promotion_budget_spent CHECK (left_minor >= 0 AND left_uses >= 0)
) WITH (fillfactor = 50);

-- What a drawdown took of a promotion: held until its loan stands in the books.
CREATE TABLE lending.promotion_use (
    customer_id             bigint      NOT NULL,
    idempotency_key         text        NOT NULL,
    promotion_id            bigint      NOT NULL,
    portion_no              smallint    NOT NULL,
    -- Interest of the plan that the customer does not pay.
    cost_minor              bigint      NOT NULL,
    rate_daily_e8           integer     NOT NULL,
    rate_without_daily_e8   integer     NOT NULL,
    state                   text        NOT NULL,
    held_at                 timestamptz NOT NULL,
    settled_at              timestamptz,
    loan_id                 bigint,
    CONSTRAINT promotion_use_pkey PRIMARY KEY (customer_id, idempotency_key),
    CONSTRAINT promotion_use_state CHECK (state IN ('held', 'used', 'released')),
    CONSTRAINT promotion_use_cost CHECK (cost_minor >= 0),
    CONSTRAINT promotion_use_is_cheaper CHECK (rate_daily_e8 < rate_without_daily_e8),
    CONSTRAINT promotion_use_settled CHECK ((state = 'held') = (settled_at IS NULL)),
    CONSTRAINT promotion_use_has_a_loan CHECK (state <> 'used' OR loan_id IS NOT NULL)
);
CREATE INDEX promotion_use_of_promotion ON lending.promotion_use (promotion_id, state);
CREATE INDEX promotion_use_held ON lending.promotion_use (held_at) WHERE state = 'held';
CREATE INDEX promotion_use_of_loan ON lending.promotion_use (customer_id, loan_id)
WHERE state = 'used';
