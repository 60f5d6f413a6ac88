-- Prices of lines for new drawdowns: announced, effective from a day, never above what was agreed.
SET LOCAL lock_timeout = '3s';

CREATE TABLE lending.line_price (
    customer_id    bigint      NOT NULL,
    line_id        bigint      NOT NULL,
    price_no       integer     NOT NULL,
    rate_daily_e8  integer     NOT NULL,
    effective_on   date        NOT NULL,
    announced_at   timestamptz NOT NULL,
    author         text        NOT NULL,
    reason         text        NOT NULL,
    CONSTRAINT line_price_pkey PRIMARY KEY (customer_id, line_id, price_no),
    CONSTRAINT line_price_positive CHECK (rate_daily_e8 > 0),
    CONSTRAINT line_price_has_a_reason CHECK (length(btrim(reason)) > 0)
);
CREATE TRIGGER line_price_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON lending.line_price
FOR EACH STATEMENT EXECUTE FUNCTION lending.keep_promotions();
