-- What a person's particulars were before they were corrected.
SET LOCAL lock_timeout = '3s';

-- Sealed under the key of the present record, so that erasure takes both.
CREATE TABLE privacy.former_record (
    customer_id   bigint      NOT NULL,
    purpose       text        NOT NULL,
    -- From the first that was replaced.
    record_no     integer     NOT NULL,
    field_set     text        NOT NULL,
    ciphertext    bytea       NOT NULL,
    valid_from    timestamptz NOT NULL,
    valid_until   timestamptz NOT NULL,
    -- The request by which it was corrected.
    request_id    bigint      NOT NULL,
    CONSTRAINT former_record_pkey PRIMARY KEY (customer_id, purpose, record_no),
    CONSTRAINT former_record_has_its_key FOREIGN KEY (customer_id, purpose)
        REFERENCES privacy.data_key (customer_id, purpose) ON DELETE CASCADE,
    CONSTRAINT former_record_of_a_request FOREIGN KEY (customer_id, request_id)
        REFERENCES privacy.rights_request (customer_id, request_id),
    CONSTRAINT former_record_has_a_tag CHECK (octet_length(ciphertext) >= 29),
    CONSTRAINT former_record_is_counted CHECK (record_no > 0),
    CONSTRAINT former_record_ends_later CHECK (valid_until >= valid_from)
);
CREATE TRIGGER former_record_stays BEFORE UPDATE OR TRUNCATE ON privacy.former_record
FOR EACH STATEMENT EXECUTE FUNCTION privacy.keep_written();

-- That processing by machine beyond what is agreed stops, from a request of the person; lifted by
-- another row.
CREATE TABLE privacy.restriction (
    customer_id     bigint      NOT NULL,
    restriction_id  bigint      NOT NULL,
    is_on           boolean     NOT NULL,
    request_id      bigint      NOT NULL,
    set_by          text        NOT NULL,
    reason          text        NOT NULL,
    set_at          timestamptz NOT NULL,
    CONSTRAINT restriction_pkey PRIMARY KEY (customer_id, restriction_id),
    CONSTRAINT restriction_of_a_request FOREIGN KEY (customer_id, request_id)
        REFERENCES privacy.rights_request (customer_id, request_id)
);
CREATE TRIGGER restriction_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON privacy.restriction
FOR EACH STATEMENT EXECUTE FUNCTION privacy.keep_written();

-- Who has asked that processing be restricted, as it stands.
CREATE VIEW reporting.restricted_customer AS
SELECT latest.customer_id, latest.set_at
FROM (
    SELECT DISTINCT ON (customer_id) customer_id, is_on, set_at
    FROM privacy.restriction
    ORDER BY customer_id, restriction_id DESC
) AS latest
WHERE latest.is_on;

-- Who was looked at, one row for each person that a line of the trail names.
CREATE VIEW reporting.trail AS
SELECT named.customer_id, t.trail_id, t.at, t.role, split_part(t.source, ' ', 1) AS channel, t.act,
       t.outcome, t.purpose
FROM platform.trail AS t
CROSS JOIN LATERAL unnest(
    CASE WHEN t.customer_id IS NULL THEN t.customer_ids ELSE ARRAY[t.customer_id] END
) AS named (customer_id);
