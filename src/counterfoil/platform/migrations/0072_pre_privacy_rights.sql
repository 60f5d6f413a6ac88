-- Requests of persons about their data, assessments of impact, and ends of purposes by themselves.
SET LOCAL lock_timeout = '3s';

CREATE FUNCTION privacy.keep_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is only ever added to', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'CF003';
END $$;

-- What a person asks about their own data; where it stands follows from its events.
CREATE TABLE privacy.rights_request (
    customer_id  bigint      NOT NULL,
    request_id   bigint      NOT NULL,
    kind         text        NOT NULL,
    -- What it is about: a field to correct, a decision to explain; empty where it is about all.
    about        text        NOT NULL,
    -- In the person's words, numbers of identity and telephone hidden.
    said         text        NOT NULL,
    received_at  timestamptz NOT NULL,
    received_by  text        NOT NULL,
    due_on       date        NOT NULL,
    CONSTRAINT rights_request_pkey PRIMARY KEY (customer_id, request_id),
    CONSTRAINT rights_request_kind_is_known CHECK (kind IN (
        'view', 'copy', 'correct', 'delete', 'restrict', 'explain', 'object'))
);
CREATE INDEX rights_request_due ON privacy.rights_request (due_on, request_id);
CREATE INDEX rights_request_by_number ON privacy.rights_request (request_id);

CREATE TABLE privacy.rights_event (
    customer_id  bigint      NOT NULL,
    request_id   bigint      NOT NULL,
    event_no     smallint    NOT NULL,
    act          text        NOT NULL,
    person       text        NOT NULL,
    -- How the person was known to be the customer, where the act says so.
    method       text        NOT NULL,
    reason       text        NOT NULL,
    -- What was done, as JSON; `{}` where there is nothing more to say.
    detail       text        NOT NULL,
    at           timestamptz NOT NULL,
    CONSTRAINT rights_event_pkey PRIMARY KEY (customer_id, request_id, event_no),
    CONSTRAINT rights_event_of_a_request FOREIGN KEY (customer_id, request_id)
        REFERENCES privacy.rights_request (customer_id, request_id),
    CONSTRAINT rights_event_act_is_known CHECK (
        act IN ('identified', 'exported', 'answered', 'refused', 'withdrawn')),
    CONSTRAINT rights_event_has_a_method CHECK (
        act <> 'identified' OR length(btrim(method)) > 0),
    CONSTRAINT rights_event_has_a_reason CHECK (
        act NOT IN ('answered', 'refused') OR length(btrim(reason)) > 0)
);
CREATE UNIQUE INDEX rights_request_ends_once ON privacy.rights_event (customer_id, request_id)
    WHERE act IN ('answered', 'refused', 'withdrawn');
CREATE TRIGGER rights_request_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON privacy.rights_request
FOR EACH STATEMENT EXECUTE FUNCTION privacy.keep_written();
CREATE TRIGGER rights_event_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON privacy.rights_event
FOR EACH STATEMENT EXECUTE FUNCTION privacy.keep_written();

-- Assessments of the impact on persons, before sensitive processing begins.
CREATE TABLE privacy.assessment (
    assessment_id  bigint      NOT NULL,
    -- What begins with it: sensitive, automated_decision, entrusting, providing, publishing, export.
    processing     text        NOT NULL,
    -- What exactly: a source, a policy, a recipient.
    subject        text        NOT NULL,
    -- The assessment as canonical JSON, and its SHA-256.
    document       text        NOT NULL,
    sha256         bytea       NOT NULL,
    author         text        NOT NULL,
    made_at        timestamptz NOT NULL,
    review_on      date        NOT NULL,
    keep_until     date        NOT NULL,
    CONSTRAINT assessment_pkey PRIMARY KEY (assessment_id),
    CONSTRAINT assessment_once UNIQUE (sha256),
    CONSTRAINT assessment_hash_is_sha256 CHECK (octet_length(sha256) = 32),
    CONSTRAINT assessment_processing_is_known CHECK (processing IN (
        'sensitive', 'automated_decision', 'entrusting', 'providing', 'publishing', 'export')),
    CONSTRAINT assessment_is_kept CHECK (keep_until >= review_on)
);
CREATE TABLE privacy.assessment_event (
    assessment_id  bigint      NOT NULL,
    event_no       smallint    NOT NULL,
    act            text        NOT NULL,
    person         text        NOT NULL,
    reason         text        NOT NULL,
    at             timestamptz NOT NULL,
    CONSTRAINT assessment_event_pkey PRIMARY KEY (assessment_id, event_no),
    CONSTRAINT assessment_event_of_one FOREIGN KEY (assessment_id)
        REFERENCES privacy.assessment (assessment_id),
    CONSTRAINT assessment_event_act_is_known CHECK (act IN ('approved', 'refused', 'ended')),
    CONSTRAINT assessment_event_has_a_reason CHECK (length(btrim(reason)) > 0)
);
CREATE TRIGGER assessment_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON privacy.assessment
FOR EACH STATEMENT EXECUTE FUNCTION privacy.keep_written();
CREATE TRIGGER assessment_event_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON privacy.assessment_event
FOR EACH STATEMENT EXECUTE FUNCTION privacy.keep_written();

-- Incidents with personal data: what was known at first, and what was done since.
CREATE TABLE privacy.incident (
    incident_id   bigint      NOT NULL,
    -- What happened, as canonical JSON: kinds of data, cause, harm, how many are concerned.
    document      text        NOT NULL,
    noticed_at    timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL,
    recorded_by   text        NOT NULL,
    -- When authority and persons must have been told at the latest.
    authority_by  timestamptz NOT NULL,
    persons_by    timestamptz NOT NULL,
    CONSTRAINT incident_pkey PRIMARY KEY (incident_id),
    CONSTRAINT incident_clocks_run_on CHECK (
        authority_by >= noticed_at AND persons_by >= noticed_at)
);
CREATE TABLE privacy.incident_event (
    incident_id      bigint      NOT NULL,
    event_no         smallint    NOT NULL,
    act              text        NOT NULL,
    person           text        NOT NULL,
    note             text        NOT NULL,
    -- Of a file that proves it, or of the notice that was sent; null where there is none.
    evidence_sha256  bytea,
    at               timestamptz NOT NULL,
    CONSTRAINT incident_event_pkey PRIMARY KEY (incident_id, event_no),
    CONSTRAINT incident_event_of_one FOREIGN KEY (incident_id)
        REFERENCES privacy.incident (incident_id),
    CONSTRAINT incident_event_act_is_known CHECK (act IN (
        'found', 'contained', 'remedied', 'authority_told', 'persons_told', 'no_notice', 'closed')),
    CONSTRAINT incident_event_has_a_note CHECK (length(btrim(note)) > 0),
    CONSTRAINT incident_evidence_is_sha256 CHECK (octet_length(evidence_sha256) = 32)
);
CREATE UNIQUE INDEX incident_closes_once ON privacy.incident_event (incident_id)
    WHERE act = 'closed';
CREATE TRIGGER incident_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON privacy.incident
FOR EACH STATEMENT EXECUTE FUNCTION privacy.keep_written();
CREATE TRIGGER incident_event_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON privacy.incident_event
FOR EACH STATEMENT EXECUTE FUNCTION privacy.keep_written();

-- Up to where ends of purposes were looked for, by the day that was closed.
CREATE TABLE privacy.purpose_end_day (
    business_date  date        NOT NULL,
    -- By the house's clock and by the real one, in POSIX seconds.
    through_at     timestamptz NOT NULL,
    through_real   bigint      NOT NULL,
    ended          integer     NOT NULL,
    CONSTRAINT purpose_end_day_pkey PRIMARY KEY (business_date),
    CONSTRAINT purpose_end_day_counts CHECK (ended >= 0)
);

-- Append-only and in the order of days: what happened to lines on one day is found without a scan.
CREATE INDEX line_event_day ON lending.line_event USING brin (book_date);

-- What is still going on with a customer; where there is nothing, the relationship has ended.
CREATE VIEW reporting.open_business AS
SELECT customer_id, 'line' AS kind, line_id AS subject_id
FROM lending.credit_line WHERE status <> 'closed'
UNION ALL
SELECT customer_id, 'loan', loan_id
FROM lending.loan WHERE status IN ('pending', 'open')
UNION ALL
SELECT customer_id, 'credit_return', return_id
FROM lending.credit_return WHERE status = 'requested'
UNION ALL
SELECT customer_id, 'application', application_id
FROM decisioning.application WHERE status IN ('received', 'gathering', 'approved', 'referred')
UNION ALL
SELECT customer_id, 'limit_request', request_id
FROM decisioning.limit_request WHERE status IN ('gathering', 'approved', 'referred')
UNION ALL
SELECT customer_id, 'review', review_id FROM reporting.review WHERE ended_as IS NULL
UNION ALL
SELECT customer_id, 'payment', payment_id
FROM payments.payment WHERE status NOT IN ('succeeded', 'failed')
UNION ALL
SELECT r.customer_id, 'rights_request', r.request_id
FROM privacy.rights_request AS r
WHERE NOT EXISTS (
    SELECT 1 FROM privacy.rights_event AS e
    WHERE e.customer_id = r.customer_id AND e.request_id = r.request_id
      AND e.act IN ('answered', 'refused', 'withdrawn'));

-- Consents by how they stand, in POSIX seconds of the real clock.
CREATE VIEW reporting.consent_standing AS
SELECT customer_id, consent_id, purpose, status, not_after, ended_at
FROM consents.consent;

-- The rows of one table about one customer, as JSON. Names come from the register of fields alone.
CREATE FUNCTION privacy.rows_about(
    of_schema text, of_table text, of_columns text[], of_customer bigint, of_page integer
) RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT row_to_json(r)::text FROM (SELECT %s FROM %I.%I WHERE customer_id = $1 LIMIT $2) AS r',
        (SELECT string_agg(format('%I', name), ', ') FROM unnest(of_columns) AS name),
        of_schema, of_table
    ) USING of_customer, of_page;
END $$;
