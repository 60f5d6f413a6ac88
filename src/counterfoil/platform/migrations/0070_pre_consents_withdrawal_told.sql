-- Which withdrawals the recipient of a consent has confirmed to know of; only ever added to.
SET LOCAL lock_timeout = '3s';

CREATE TABLE consents.withdrawal_told (
    customer_id  bigint NOT NULL,
    consent_id   bigint NOT NULL,
    told_at      bigint NOT NULL,
    CONSTRAINT withdrawal_told_pkey PRIMARY KEY (customer_id, consent_id),
    CONSTRAINT withdrawal_told_of_a_consent FOREIGN KEY (customer_id, consent_id)
        REFERENCES consents.consent (customer_id, consent_id)
);
CREATE TRIGGER withdrawal_told_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
ON consents.withdrawal_told FOR EACH STATEMENT EXECUTE FUNCTION consents.refuse_change();
