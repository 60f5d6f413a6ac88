-- What those who fund promotions have paid of what is claimed, as money that came in named it.
SET LOCAL lock_timeout = '3s';

CREATE TABLE lending.promotion_payment (
    promotion_id  bigint      NOT NULL,
    lender_id     text        NOT NULL,
    product_code  text        NOT NULL,
    -- Of the money that came in; one payment may settle claims of several books.
    receipt       text        NOT NULL,
    currency      char(3)     NOT NULL,
    amount_minor  bigint      NOT NULL,
    value_date    date        NOT NULL,
    booked_on     date        NOT NULL,
    booked_at     timestamptz NOT NULL,
    CONSTRAINT promotion_payment_pkey PRIMARY KEY (promotion_id, lender_id, product_code, receipt),
    CONSTRAINT promotion_payment_of_a_promotion FOREIGN KEY (promotion_id)
        REFERENCES lending.promotion,
    CONSTRAINT promotion_payment_positive CHECK (amount_minor > 0)
);
CREATE TRIGGER promotion_payment_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON lending.promotion_payment
FOR EACH STATEMENT EXECUTE FUNCTION lending.keep_promotions();
