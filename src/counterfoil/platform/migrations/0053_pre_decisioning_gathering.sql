-- What an application that still gathers was asked with, so that whoever goes on knows it.
SET LOCAL lock_timeout = '3s';

CREATE TABLE decisioning.gathering (
    customer_id      bigint      NOT NULL,
    application_id   bigint      NOT NULL,
    -- The consent to ask the bureau under; NULL where only a report that is there may serve.
    consent_id       bigint,
    -- The question and the features known so far, as the record of the decision will hold them.
    inputs           text        NOT NULL,
    -- Of the request that the applicant may send again.
    idempotency_key  text        NOT NULL,
    request_hash     bytea       NOT NULL,
    began_at         timestamptz NOT NULL,
    CONSTRAINT gathering_pkey PRIMARY KEY (customer_id, application_id),
    CONSTRAINT gathering_of_an_application FOREIGN KEY (customer_id, application_id)
        REFERENCES decisioning.application (customer_id, application_id)
);
CREATE INDEX gathering_began ON decisioning.gathering (began_at);
