-- Reviews of running lines, the measures that follow, notices of them, appeals against them, and
-- what was signalled about a line.
SET LOCAL lock_timeout = '3s';

-- One review, whatever came of it, with everything needed to make it again.
CREATE TABLE decisioning.line_review (
    customer_id     bigint      NOT NULL,
    review_id       bigint      NOT NULL,
    line_id         bigint      NOT NULL,
    product_code    text        NOT NULL,
    -- Why it was made: `periodic`, or an event.
    cause           text        NOT NULL,
    business_date   date        NOT NULL,
    outcome         text        NOT NULL,
    -- Codes of the rules that the outcome rests on.
    acted           text[]      NOT NULL,
    reasons         text[]      NOT NULL,
    proposals       text[]      NOT NULL,
    from_minor      bigint      NOT NULL,
    to_minor        bigint,
    -- Until when an offer can be taken up.
    valid_until     date,
    -- The credit report that was read; NULL where none was.
    report_id       bigint,
    policy_hash     text        NOT NULL,
    policy_version  text        NOT NULL,
    inputs          text        NOT NULL,
    result          text        NOT NULL,
    decided_at      timestamptz NOT NULL,
    CONSTRAINT line_review_pkey PRIMARY KEY (customer_id, review_id),
    -- Two at once are one.
    CONSTRAINT line_review_once_a_day UNIQUE (customer_id, line_id, business_date, cause),
    CONSTRAINT line_review_of_a_version FOREIGN KEY (policy_hash)
        REFERENCES decisioning.policy_version (policy_hash),
    CONSTRAINT line_review_outcome_is_known CHECK (outcome IN (
        'unchanged', 'offered', 'lowered', 'frozen', 'suspended', 'reinstated', 'referred'
    )),
    CONSTRAINT line_review_offers_more CHECK (outcome <> 'offered' OR to_minor > from_minor),
    CONSTRAINT line_review_takes_off CHECK (outcome <> 'lowered' OR to_minor < from_minor)
);
CREATE INDEX line_review_policy ON decisioning.line_review (policy_hash, decided_at);
CREATE INDEX line_review_newest ON decisioning.line_review (review_id)
    WHERE outcome <> 'unchanged';
CREATE TRIGGER line_review_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.line_review
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();

-- A measure against a customer, from its notice to its end.
CREATE TABLE decisioning.line_measure (
    customer_id     bigint      NOT NULL,
    measure_id      bigint      NOT NULL,
    line_id         bigint      NOT NULL,
    kind            text        NOT NULL,
    status          text        NOT NULL,
    cause           text        NOT NULL,
    reasons         text[]      NOT NULL,
    -- `rule`, or the person.
    author          text        NOT NULL,
    -- The review that it follows from; NULL where a person took it.
    review_id       bigint,
    announced_at    timestamptz NOT NULL,
    effective_on    date        NOT NULL,
    -- Last day of a freeze; NULL for what nothing but an act ends.
    ends_on         date,
    currency        char(3)     NOT NULL,
    from_minor      bigint      NOT NULL,
    -- NULL unless the limit is lowered.
    to_minor        bigint,
    ended_at        timestamptz,
    ended_on        date,
    ended_by        text,
    end_reason      text,
    CONSTRAINT line_measure_pkey PRIMARY KEY (customer_id, measure_id),
    CONSTRAINT line_measure_kind_is_known CHECK (kind IN ('lower', 'freeze', 'suspend')),
    CONSTRAINT line_measure_status_is_known CHECK (status IN (
        'planned', 'in_force', 'ended', 'lifted', 'undone', 'dropped'
    )),
    CONSTRAINT line_measure_end_is_complete CHECK (
        (status IN ('planned', 'in_force')) = (ended_at IS NULL)
        AND (ended_at IS NULL) = (ended_by IS NULL)
    ),
    CONSTRAINT line_measure_lowers CHECK (
        (kind = 'lower') = (to_minor IS NOT NULL) AND (to_minor IS NULL OR to_minor < from_minor)
    ),
    CONSTRAINT line_measure_has_a_reason CHECK (cardinality(reasons) > 0)
);
CREATE INDEX line_measure_of_line ON decisioning.line_measure (customer_id, line_id, measure_id);
CREATE INDEX line_measure_planned ON decisioning.line_measure (effective_on, customer_id)
    WHERE status = 'planned';
CREATE INDEX line_measure_ending ON decisioning.line_measure (ends_on, customer_id)
    WHERE status = 'in_force' AND ends_on IS NOT NULL;
-- One suspension at a time.
CREATE UNIQUE INDEX line_measure_suspends_once
    ON decisioning.line_measure (customer_id, line_id)
    WHERE kind = 'suspend' AND status = 'in_force';

-- What the customer was told, in both languages, as it was written.
CREATE TABLE decisioning.line_notice (
    customer_id  bigint      NOT NULL,
    notice_id    bigint      NOT NULL,
    line_id      bigint      NOT NULL,
    kind         text        NOT NULL,
    -- The measure or the review that it tells of.
    measure_id   bigint,
    review_id    bigint,
    text_zh      text        NOT NULL,
    text_en      text        NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT line_notice_pkey PRIMARY KEY (customer_id, notice_id),
    CONSTRAINT line_notice_of_a_measure FOREIGN KEY (customer_id, measure_id)
        REFERENCES decisioning.line_measure (customer_id, measure_id),
    CONSTRAINT line_notice_is_about_something CHECK (
        measure_id IS NOT NULL OR review_id IS NOT NULL
    )
);
CREATE INDEX line_notice_of_line ON decisioning.line_notice (customer_id, line_id, notice_id);
CREATE INDEX line_notice_measure ON decisioning.line_notice (customer_id, measure_id);
CREATE TRIGGER line_notice_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.line_notice
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();

-- A customer's appeal against a measure: a case with a clock.
CREATE TABLE decisioning.line_appeal (
    customer_id      bigint      NOT NULL,
    appeal_id        bigint      NOT NULL,
    line_id          bigint      NOT NULL,
    measure_id       bigint      NOT NULL,
    -- What the customer says; identity and phone numbers are hidden before it is kept.
    grounds          text        NOT NULL,
    received_at      timestamptz NOT NULL,
    due_on           date        NOT NULL,
    status           text        NOT NULL,
    decided_at       timestamptz,
    decided_by       text,
    decision_reason  text,
    CONSTRAINT line_appeal_pkey PRIMARY KEY (customer_id, appeal_id),
    CONSTRAINT line_appeal_of_a_measure FOREIGN KEY (customer_id, measure_id)
        REFERENCES decisioning.line_measure (customer_id, measure_id),
    CONSTRAINT line_appeal_status_is_known CHECK (status IN (
        'open', 'lifted', 'undone', 'rejected', 'withdrawn'
    )),
    CONSTRAINT line_appeal_decision_is_complete CHECK (
        (status = 'open') = (decided_at IS NULL)
        AND (decided_at IS NULL) = (decided_by IS NULL)
        AND (decided_by IS NULL OR length(btrim(decision_reason)) > 0)
    )
);
CREATE UNIQUE INDEX line_appeal_already_open
    ON decisioning.line_appeal (customer_id, measure_id) WHERE status = 'open';
CREATE INDEX line_appeal_queue ON decisioning.line_appeal (due_on, appeal_id)
    WHERE status = 'open';
CREATE INDEX line_appeal_of_line ON decisioning.line_appeal (customer_id, line_id, appeal_id);

-- What somebody told of a line or its customer: fraud, doubts, alerts, disputes, hardship.
CREATE TABLE decisioning.line_signal (
    customer_id   bigint      NOT NULL,
    signal_id     bigint      NOT NULL,
    line_id       bigint      NOT NULL,
    kind          text        NOT NULL,
    -- Who told it, and where more is found; no personal data.
    source        text        NOT NULL,
    reference     text        NOT NULL,
    noted_on      date        NOT NULL,
    noted_at      timestamptz NOT NULL,
    noted_by      text        NOT NULL,
    cleared_at    timestamptz,
    cleared_by    text,
    clear_reason  text,
    CONSTRAINT line_signal_pkey PRIMARY KEY (customer_id, signal_id),
    CONSTRAINT line_signal_once UNIQUE (customer_id, line_id, kind, source, reference),
    CONSTRAINT line_signal_kind_is_known CHECK (kind IN (
        'fraud_signal', 'identity_doubt', 'data_conflict', 'lender_alert', 'income_updated',
        'dispute_opened', 'hardship_begun', 'death', 'fraud_confirmed'
    )),
    CONSTRAINT line_signal_clearance_is_complete CHECK (
        (cleared_at IS NULL) = (cleared_by IS NULL)
        AND (cleared_by IS NULL OR length(btrim(clear_reason)) > 0)
    )
);
CREATE INDEX line_signal_of_line ON decisioning.line_signal (customer_id, line_id, noted_on);

CREATE VIEW reporting.line_review AS
SELECT customer_id, review_id, line_id, product_code, cause, business_date, outcome, acted,
       reasons, proposals, from_minor, to_minor, policy_version, decided_at
FROM decisioning.line_review;

CREATE VIEW reporting.line_measure AS
SELECT customer_id, measure_id, line_id, kind, status, cause, reasons, author, review_id,
       announced_at, effective_on, ends_on, currency, from_minor, to_minor, ended_at, ended_on,
       ended_by, end_reason
FROM decisioning.line_measure;

CREATE VIEW reporting.line_appeal AS
SELECT customer_id, appeal_id, line_id, measure_id, grounds, received_at, due_on, status,
       decided_at, decided_by, decision_reason
FROM decisioning.line_appeal;
