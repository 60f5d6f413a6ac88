-- Offers of a higher limit that the customer declined; what was declined stays declined.
SET LOCAL lock_timeout = '3s';

CREATE TABLE decisioning.line_offer_declined (
    customer_id  bigint      NOT NULL,
    review_id    bigint      NOT NULL,
    -- By which way the customer said so.
    channel      text        NOT NULL,
    declined_at  timestamptz NOT NULL,
    CONSTRAINT line_offer_declined_pkey PRIMARY KEY (customer_id, review_id),
    CONSTRAINT line_offer_declined_of_a_review FOREIGN KEY (customer_id, review_id)
        REFERENCES decisioning.line_review (customer_id, review_id)
);
CREATE TRIGGER line_offer_declined_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.line_offer_declined
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();
