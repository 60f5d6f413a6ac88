-- What was told that closes a loan, or all loans of a line, on a day; only ever added to.
SET LOCAL lock_timeout = '3s';

CREATE TABLE lending.settlement_quote (
    customer_id   bigint      NOT NULL,
    quote_id      bigint      NOT NULL,
    line_id       bigint      NOT NULL,
    -- The day on which the money arrives.
    settle_on     date        NOT NULL,
    currency      text        NOT NULL,
    amount_minor  bigint      NOT NULL,
    -- Loan by loan, as JSON: parts in minor units.
    loans         text        NOT NULL,
    valid_until   timestamptz NOT NULL,
    made_on       date        NOT NULL,
    made_at       timestamptz NOT NULL,
    author        text        NOT NULL,
    CONSTRAINT settlement_quote_pkey PRIMARY KEY (customer_id, quote_id),
    CONSTRAINT settlement_quote_of_a_line FOREIGN KEY (customer_id, line_id)
        REFERENCES lending.credit_line,
    CONSTRAINT settlement_quote_asks_for_something CHECK (amount_minor > 0),
    CONSTRAINT settlement_quote_looks_ahead CHECK (settle_on >= made_on)
);
CREATE TRIGGER settlement_quote_append_only BEFORE UPDATE OR DELETE ON lending.settlement_quote
FOR EACH STATEMENT EXECUTE FUNCTION lending.refuse_change();
