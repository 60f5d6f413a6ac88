-- What customers agreed to and refused: the texts as they were shown, every decision, every consent
-- with its state, and the events that the state follows from. Nothing here is deleted.
SET LOCAL lock_timeout = '3s';

CREATE SCHEMA IF NOT EXISTS consents;

CREATE FUNCTION consents.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is only added to, never changed or removed',
        TG_TABLE_SCHEMA, TG_TABLE_NAME;
END $$;

-- A text is kept from the first time it was shown, under its own hash. A version of a notice has one
-- text in a language, whatever a file says later.
CREATE TABLE consents.notice_text (
    sha256          bytea    NOT NULL,
    notice_code     text     NOT NULL,
    notice_version  smallint NOT NULL,
    language        text     NOT NULL,
    text            text     NOT NULL,
    first_shown     bigint   NOT NULL,
    CONSTRAINT notice_text_pkey PRIMARY KEY (sha256),
    CONSTRAINT notice_changed UNIQUE (notice_code, notice_version, language),
    CONSTRAINT notice_text_is_hashed CHECK (sha256 = sha256(convert_to(text, 'UTF8')))
);
CREATE TRIGGER notice_text_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
ON consents.notice_text FOR EACH STATEMENT EXECUTE FUNCTION consents.refuse_change();

-- Every yes and every no, one for each notice and screen. A choice made in advance, a text nobody
-- had the time to read, and one screen for two decisions cannot be written here.
CREATE TABLE consents.decision (
    customer_id       bigint   NOT NULL,
    decision_id       bigint   NOT NULL,
    choice            text     NOT NULL,
    notice_code       text     NOT NULL,
    notice_version    smallint NOT NULL,
    language          text     NOT NULL,
    text_sha256       bytea    NOT NULL,
    screen_sha256     bytea    NOT NULL,
    dwell_ms          integer  NOT NULL,
    reading_ms_min    integer  NOT NULL,
    is_preselected    boolean  NOT NULL,
    method            text     NOT NULL,
    level             text     NOT NULL,
    authenticated_at  bigint   NOT NULL,
    evidence_sha256   bytea    NOT NULL,
    channel           text     NOT NULL,
    decided_at        bigint   NOT NULL,
    CONSTRAINT decision_pkey PRIMARY KEY (customer_id, decision_id),
    CONSTRAINT decision_with_its_choice UNIQUE (customer_id, decision_id, choice),
    CONSTRAINT consent_bundled UNIQUE (customer_id, screen_sha256),
    CONSTRAINT decision_text_is_kept FOREIGN KEY (text_sha256)
        REFERENCES consents.notice_text (sha256),
    CONSTRAINT consent_pre_ticked CHECK (NOT is_preselected),
    CONSTRAINT consent_dwell_too_short CHECK (choice = 'refused' OR dwell_ms >= reading_ms_min),
    CONSTRAINT decision_choice_is_known CHECK (choice IN ('given', 'refused', 'reconfirmed')),
    CONSTRAINT decision_level_is_known CHECK (level IN ('low', 'substantial', 'high')),
    CONSTRAINT decision_hashes CHECK (
        octet_length(screen_sha256) = 32 AND octet_length(evidence_sha256) = 32
    )
);
CREATE INDEX decision_of_text ON consents.decision (text_sha256);
CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
ON consents.decision FOR EACH STATEMENT EXECUTE FUNCTION consents.refuse_change();

-- A consent and its state. The state follows from the events: the row's number of events always has
-- its event, and every change of the state comes with the next one.
CREATE TABLE consents.consent (
    customer_id     bigint   NOT NULL,
    consent_id      bigint   NOT NULL,
    choice          text     NOT NULL DEFAULT 'given',
    -- Place in the published list of withdrawals.
    position        bigint   GENERATED ALWAYS AS IDENTITY,
    record_id       bytea    NOT NULL,
    purpose         text     NOT NULL,
    recipient       text     NOT NULL,
    application_id  bigint,
    notice_code     text     NOT NULL,
    notice_version  smallint NOT NULL,
    language        text     NOT NULL,
    uses_max        integer  NOT NULL,
    -- Null: the uses are counted once for all.
    period_seconds  integer,
    not_before      bigint   NOT NULL,
    not_after       bigint   NOT NULL,
    data_life_days  integer  NOT NULL,
    created         bigint   NOT NULL,
    leaf_id         bigint   NOT NULL,
    body            bytea    NOT NULL,
    sha256          bytea    NOT NULL,
    status          text     NOT NULL DEFAULT 'given',
    uses            integer  NOT NULL DEFAULT 0,
    period_no       integer  NOT NULL DEFAULT 0,
    uses_in_period  integer  NOT NULL DEFAULT 0,
    events          integer  NOT NULL DEFAULT 1,
    ended_at        bigint,
    withdrawn_at    bigint,
    CONSTRAINT consent_pkey PRIMARY KEY (customer_id, consent_id),
    CONSTRAINT consent_record_once UNIQUE (customer_id, record_id),
    CONSTRAINT consent_was_given CHECK (choice = 'given'),
    CONSTRAINT consent_follows_its_decision FOREIGN KEY (customer_id, consent_id, choice)
        REFERENCES consents.decision (customer_id, decision_id, choice),
    CONSTRAINT consent_has_one_purpose CHECK (purpose ~ '^[a-z][a-z_]*(:[a-z][a-z0-9-]*)?$'),
    CONSTRAINT consent_has_one_recipient CHECK (recipient ~ '^[A-Za-z0-9][A-Za-z0-9.:_-]*$'),
    CONSTRAINT consent_record_is_random CHECK (octet_length(record_id) = 16),
    CONSTRAINT consent_body_is_hashed CHECK (sha256 = sha256(body)),
    CONSTRAINT consent_body_agrees CHECK (
        convert_from(body, 'UTF8')::jsonb @> jsonb_build_object(
            'recipient', recipient,
            'purpose', jsonb_build_object('code', purpose),
            'notice', jsonb_build_object('code', notice_code, 'version', notice_version),
            'not_before', not_before, 'not_after', not_after, 'created', created,
            'data_life', data_life_days, 'use', jsonb_build_object('max', uses_max)
        )
    ),
    CONSTRAINT consent_in_the_past CHECK (not_before >= created AND not_after > not_before),
    CONSTRAINT consent_too_long CHECK (
        period_seconds IS NOT NULL OR not_after - not_before <= 30 * 86400
    ),
    CONSTRAINT consent_uses_are_counted CHECK (
        uses_max > 0 AND uses >= 0 AND period_seconds > 0 AND data_life_days >= 0
    ),
    CONSTRAINT consent_used_up CHECK (
        uses_in_period <= uses_max AND (period_seconds IS NOT NULL OR uses <= uses_max)
    ),
    CONSTRAINT consent_status_is_known CHECK (
        status IN ('given', 'used_up', 'expired', 'withdrawn')
    ),
    CONSTRAINT consent_end_is_dated CHECK (
        (status = 'given') = (ended_at IS NULL) AND (status = 'withdrawn') = (withdrawn_at IS NOT NULL)
    )
);
CREATE INDEX consent_by_number ON consents.consent (consent_id);
CREATE INDEX consent_expiring ON consents.consent (not_after, customer_id, consent_id)
    WHERE status = 'given';
CREATE INDEX consent_withdrawn ON consents.consent (position) WHERE status = 'withdrawn';
CREATE INDEX consent_position ON consents.consent (position);

CREATE TABLE consents.consent_event (
    customer_id  bigint  NOT NULL,
    consent_id   bigint  NOT NULL,
    event_no     integer NOT NULL,
    kind         text    NOT NULL,
    at           bigint  NOT NULL,
    use_no       integer,
    -- The decision behind it, where a customer decided; null elsewhere.
    decision_id  bigint,
    done_by      text    NOT NULL,
    CONSTRAINT consent_event_pkey PRIMARY KEY (customer_id, consent_id, event_no),
    CONSTRAINT consent_event_has_a_consent FOREIGN KEY (customer_id, consent_id)
        REFERENCES consents.consent (customer_id, consent_id),
    CONSTRAINT consent_event_has_a_decision FOREIGN KEY (customer_id, decision_id)
        REFERENCES consents.decision (customer_id, decision_id),
    CONSTRAINT consent_event_kind_is_known CHECK (kind IN (
        'given', 'reconfirmed', 'used', 'used_up', 'expired', 'withdrawn'
    )),
    CONSTRAINT consent_event_of_use CHECK ((kind = 'used') = (use_no IS NOT NULL)),
    CONSTRAINT consent_event_of_decision CHECK (
        (kind IN ('given', 'reconfirmed')) = (decision_id IS NOT NULL)
    )
);
CREATE INDEX consent_event_decision ON consents.consent_event (customer_id, decision_id)
    WHERE decision_id IS NOT NULL;
CREATE TRIGGER consent_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
ON consents.consent_event FOR EACH STATEMENT EXECUTE FUNCTION consents.refuse_change();

ALTER TABLE consents.consent ADD CONSTRAINT consent_has_its_latest_event
    FOREIGN KEY (customer_id, consent_id, events)
    REFERENCES consents.consent_event (customer_id, consent_id, event_no)
    DEFERRABLE INITIALLY DEFERRED;

-- What was agreed never changes; the state only goes on, each time with one more event at least.
CREATE FUNCTION consents.keep_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.customer_id, NEW.consent_id, NEW.choice, NEW.position, NEW.record_id, NEW.purpose,
        NEW.recipient, NEW.application_id, NEW.notice_code, NEW.notice_version, NEW.language,
        NEW.uses_max, NEW.period_seconds, NEW.not_before, NEW.not_after, NEW.data_life_days,
        NEW.created, NEW.leaf_id, NEW.sha256, NEW.body)
       IS DISTINCT FROM
       (OLD.customer_id, OLD.consent_id, OLD.choice, OLD.position, OLD.record_id, OLD.purpose,
        OLD.recipient, OLD.application_id, OLD.notice_code, OLD.notice_version, OLD.language,
        OLD.uses_max, OLD.period_seconds, OLD.not_before, OLD.not_after, OLD.data_life_days,
        OLD.created, OLD.leaf_id, OLD.sha256, OLD.body)
    THEN
        RAISE EXCEPTION 'what was agreed in consent % never changes', OLD.consent_id;
    END IF;
    IF NEW.events <= OLD.events OR NEW.uses < OLD.uses OR NEW.period_no < OLD.period_no
       OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at)
       OR (OLD.status <> 'given' AND NEW.status <> 'withdrawn')
       OR OLD.status = 'withdrawn'
       OR (NEW.uses <> OLD.uses AND NEW.status NOT IN ('given', 'used_up'))
    THEN
        RAISE EXCEPTION 'consent % is % and only goes on', OLD.consent_id, OLD.status;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_only_goes_on BEFORE UPDATE ON consents.consent
FOR EACH ROW EXECUTE FUNCTION consents.keep_consent();
CREATE TRIGGER consent_is_kept BEFORE DELETE OR TRUNCATE ON consents.consent
FOR EACH STATEMENT EXECUTE FUNCTION consents.refuse_change();

-- Rows as they are written, many at once.
CREATE TYPE consents.decision_v1 AS (
    customer_id bigint, decision_id bigint, choice text, notice_code text, notice_version smallint,
    language text, text_sha256 bytea, screen_sha256 bytea, dwell_ms integer,
    reading_ms_min integer, is_preselected boolean, method text, level text,
    authenticated_at bigint, evidence_sha256 bytea, channel text, decided_at bigint
);
CREATE TYPE consents.consent_v1 AS (
    customer_id bigint, consent_id bigint, record_id bytea, purpose text, recipient text,
    application_id bigint, notice_code text, notice_version smallint, language text,
    uses_max integer, period_seconds integer, not_before bigint, not_after bigint,
    data_life_days integer, created bigint, leaf_id bigint, body bytea, sha256 bytea
);
