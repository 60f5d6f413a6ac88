-- What promotions cost whoever funds them: claimed by the close of day, and never changed.
SET LOCAL lock_timeout = '3s';

CREATE TABLE lending.promotion_claim (
    promotion_id  bigint  NOT NULL,
    book_date     date    NOT NULL,
    lender_id     text    NOT NULL,
    product_code  text    NOT NULL,
    currency      char(3) NOT NULL,
    -- Interest that customers did not pay by the end of the day, and what of it is booked here.
    earned_minor  bigint  NOT NULL,
    booked_minor  bigint  NOT NULL,
    CONSTRAINT promotion_claim_pkey PRIMARY KEY (promotion_id, lender_id, product_code, book_date),
    CONSTRAINT promotion_claim_of_a_promotion FOREIGN KEY (promotion_id)
        REFERENCES lending.promotion,
    CONSTRAINT promotion_claim_moves CHECK (booked_minor <> 0 AND earned_minor >= 0)
);
CREATE TRIGGER promotion_claim_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON lending.promotion_claim
FOR EACH STATEMENT EXECUTE FUNCTION lending.keep_promotions();
