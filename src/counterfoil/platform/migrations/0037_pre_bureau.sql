-- Credit inquiries, their reports, every opening of one, and answers that could not be believed.
SET LOCAL lock_timeout = '3s';

CREATE SCHEMA IF NOT EXISTS bureau;

CREATE FUNCTION bureau.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is only added to, never changed or removed',
        TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'CF003';
END $$;

-- One inquiry: the intent, written with the use of its consent, and later its outcome. Instants are
-- POSIX seconds by the real clock.
CREATE TABLE bureau.inquiry (
    customer_id       bigint  NOT NULL,
    inquiry_id        bigint  NOT NULL,
    consent_id        bigint  NOT NULL,
    use_no            integer NOT NULL,
    occasion          text    NOT NULL,
    purpose           text    NOT NULL,
    reason_code       text    NOT NULL,
    bureau            text    NOT NULL,
    jti               text    NOT NULL,
    state             text    NOT NULL,
    intent_leaf_id    bigint  NOT NULL,
    asked_at          bigint  NOT NULL,
    answer_by         bigint  NOT NULL,
    -- When the question first left the house; null while it has not.
    sent_at           bigint,
    outcome_leaf_id   bigint,
    ended_at          bigint,
    outcome_code      text,
    bureau_reference  text,
    sealed_sha256     bytea,
    CONSTRAINT inquiry_pkey PRIMARY KEY (customer_id, inquiry_id),
    CONSTRAINT inquiry_consent_used UNIQUE (customer_id, consent_id, use_no),
    CONSTRAINT inquiry_identifier_once UNIQUE (customer_id, jti),
    CONSTRAINT inquiry_state_is_known CHECK (
        state IN ('intent', 'answered', 'declined', 'rejected', 'stopped')
    ),
    CONSTRAINT inquiry_use_is_counted CHECK (use_no >= 1),
    CONSTRAINT inquiry_ends_later CHECK (answer_by > asked_at),
    CONSTRAINT inquiry_outcome_has_its_leaf CHECK (
        (state = 'intent') = (outcome_leaf_id IS NULL)
        AND (state = 'intent') = (ended_at IS NULL)
        AND (state IN ('intent', 'answered')) = (outcome_code IS NULL)
    ),
    CONSTRAINT inquiry_answer_is_named CHECK (
        (state IN ('answered', 'rejected'))
        = (sealed_sha256 IS NOT NULL AND bureau_reference IS NOT NULL)
        AND octet_length(sealed_sha256) = 32
    )
);
CREATE INDEX inquiry_open ON bureau.inquiry (asked_at, customer_id, inquiry_id)
    WHERE state = 'intent';
CREATE INDEX inquiry_by_number ON bureau.inquiry (inquiry_id);

-- What was asked never changes; an outcome is given once.
CREATE FUNCTION bureau.keep_inquiry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'intent' OR (
        NEW.customer_id, NEW.inquiry_id, NEW.consent_id, NEW.use_no, NEW.occasion, NEW.purpose,
        NEW.reason_code, NEW.bureau, NEW.jti, NEW.intent_leaf_id, NEW.asked_at, NEW.answer_by
    ) IS DISTINCT FROM (
        OLD.customer_id, OLD.inquiry_id, OLD.consent_id, OLD.use_no, OLD.occasion, OLD.purpose,
        OLD.reason_code, OLD.bureau, OLD.jti, OLD.intent_leaf_id, OLD.asked_at, OLD.answer_by
    ) OR (OLD.sent_at IS NOT NULL AND NEW.sent_at IS DISTINCT FROM OLD.sent_at) THEN
        RAISE EXCEPTION 'an inquiry keeps what was asked and its first outcome'
            USING ERRCODE = 'CF003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER inquiry_ends_once BEFORE UPDATE OR DELETE ON bureau.inquiry
FOR EACH ROW EXECUTE FUNCTION bureau.keep_inquiry();

-- A report as it arrived, sealed once more under the customer's key. Nothing is left of it but its
-- row when its data life is over.
CREATE TABLE bureau.report (
    customer_id  bigint NOT NULL,
    report_id    bigint NOT NULL,
    inquiry_id   bigint NOT NULL,
    consent_id   bigint NOT NULL,
    purpose      text   NOT NULL,
    bureau       text   NOT NULL,
    jti          text   NOT NULL,
    received_at  bigint NOT NULL,
    expires_at   bigint NOT NULL,
    sealed       bytea,
    erased_at    bigint,
    CONSTRAINT report_pkey PRIMARY KEY (customer_id, report_id),
    CONSTRAINT report_one_an_inquiry UNIQUE (customer_id, inquiry_id),
    CONSTRAINT report_answers_an_inquiry FOREIGN KEY (customer_id, inquiry_id)
        REFERENCES bureau.inquiry (customer_id, inquiry_id),
    CONSTRAINT report_is_there_or_erased CHECK ((sealed IS NULL) = (erased_at IS NOT NULL)),
    CONSTRAINT report_has_a_life CHECK (expires_at >= received_at)
);
CREATE INDEX report_expiring ON bureau.report (expires_at, customer_id, report_id)
    WHERE erased_at IS NULL;

-- Every opening of a report: by whom, for what, which facts left it.
CREATE TABLE bureau.opening (
    customer_id  bigint  NOT NULL,
    opening_id   bigint  NOT NULL,
    report_id    bigint  NOT NULL,
    purpose      text    NOT NULL,
    opened_by    text    NOT NULL,
    -- The grant by which a person looked; null where the machine decided under the consent.
    grant_id     bigint,
    is_reuse     boolean NOT NULL,
    facts        text[]  NOT NULL,
    opened_at    bigint  NOT NULL,
    leaf_id      bigint  NOT NULL,
    CONSTRAINT opening_pkey PRIMARY KEY (customer_id, opening_id),
    CONSTRAINT opening_is_of_a_report FOREIGN KEY (customer_id, report_id)
        REFERENCES bureau.report (customer_id, report_id),
    CONSTRAINT opening_is_by_somebody CHECK (length(opened_by) > 0)
);
CREATE INDEX opening_of_report ON bureau.opening (customer_id, report_id);
CREATE TRIGGER opening_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bureau.opening
FOR EACH STATEMENT EXECUTE FUNCTION bureau.refuse_change();

-- Answers that were not believed, or came twice or too late: kept as they arrived, sealed.
CREATE TABLE bureau.answer_kept (
    customer_id    bigint NOT NULL,
    answer_id      bigint NOT NULL,
    inquiry_id     bigint NOT NULL,
    fault          text   NOT NULL,
    detail         text   NOT NULL,
    reference      text   NOT NULL,
    sealed         bytea  NOT NULL,
    sealed_sha256  bytea  NOT NULL,
    received_at    bigint NOT NULL,
    CONSTRAINT answer_kept_pkey PRIMARY KEY (customer_id, answer_id),
    CONSTRAINT answer_kept_is_of_an_inquiry FOREIGN KEY (customer_id, inquiry_id)
        REFERENCES bureau.inquiry (customer_id, inquiry_id),
    CONSTRAINT answer_kept_is_hashed CHECK (octet_length(sealed_sha256) = 32)
);
CREATE INDEX answer_kept_of_inquiry ON bureau.answer_kept (customer_id, inquiry_id);
CREATE TRIGGER answer_kept_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bureau.answer_kept
FOR EACH STATEMENT EXECUTE FUNCTION bureau.refuse_change();

-- Rows as they are written, many at once.
CREATE TYPE bureau.inquiry_v1 AS (
    customer_id bigint, inquiry_id bigint, consent_id bigint, use_no integer, occasion text,
    purpose text, reason_code text, bureau text, jti text, intent_leaf_id bigint, asked_at bigint,
    answer_by bigint
);
CREATE TYPE bureau.outcome_v1 AS (
    customer_id bigint, inquiry_id bigint, state text, outcome_leaf_id bigint, ended_at bigint,
    outcome_code text, bureau_reference text, sealed_sha256 bytea
);
CREATE TYPE bureau.report_v1 AS (
    customer_id bigint, report_id bigint, inquiry_id bigint, consent_id bigint, purpose text,
    bureau text, jti text, received_at bigint, expires_at bigint, sealed bytea
);
CREATE TYPE bureau.opening_v1 AS (
    customer_id bigint, opening_id bigint, report_id bigint, purpose text, opened_by text,
    grant_id bigint, is_reuse boolean, facts text[], opened_at bigint, leaf_id bigint
);
CREATE TYPE bureau.answer_kept_v1 AS (
    customer_id bigint, answer_id bigint, inquiry_id bigint, fault text, detail text,
    reference text, sealed bytea, sealed_sha256 bytea, received_at bigint
);
