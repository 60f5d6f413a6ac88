-- Drawdowns on their way, so that those of a customer are added up before identity checks are asked
-- for: two that arrive at once count each other.
SET LOCAL lock_timeout = '3s';

-- A row is there from before the line is asked until it has answered; after a crash until the
-- period in which drawdowns are added up has passed.
CREATE TABLE lending.draw_hold (
    customer_id      bigint      NOT NULL,
    hold_id          bigint      NOT NULL,
    -- Of the request: a repetition of it is the same drawdown.
    idempotency_key  text        NOT NULL,
    amount_minor     bigint      NOT NULL,
    currency         char(3)     NOT NULL,
    -- The business date on which it was asked for.
    asked_on         date        NOT NULL,
    CONSTRAINT draw_hold_pkey PRIMARY KEY (customer_id, hold_id),
    CONSTRAINT draw_hold_positive CHECK (amount_minor > 0)
);
