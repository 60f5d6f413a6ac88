-- Policy versions, applications and the decisions on them.
SET LOCAL lock_timeout = '3s';

CREATE SCHEMA IF NOT EXISTS decisioning;

-- Every version that ever decided here, by content hash, so that any decision can be replayed.
CREATE TABLE decisioning.policy_version (
    policy_hash    text        NOT NULL,
    code           text        NOT NULL,
    version        text        NOT NULL,
    document       text        NOT NULL,
    first_used_at  timestamptz NOT NULL,
    CONSTRAINT policy_version_pkey PRIMARY KEY (policy_hash),
    CONSTRAINT policy_hash_is_sha256 CHECK (policy_hash ~ '^[0-9a-f]{64}$')
);

CREATE TABLE decisioning.application (
    customer_id      bigint      NOT NULL,
    application_id   bigint      NOT NULL,
    product_code     text        NOT NULL,
    product_version  integer     NOT NULL,
    currency         char(3)     NOT NULL,
    requested_minor  bigint,
    purpose          text        NOT NULL,
    status           text        NOT NULL,
    received_at      timestamptz NOT NULL,
    decided_at       timestamptz,
    ended_at         timestamptz,
    outcome          text,
    decided_by       text,
    decision_reason  text,
    grade            text,
    points           integer,
    limit_minor      bigint,
    rate_daily_e8    integer,
    tenors_months    smallint[]  NOT NULL DEFAULT '{}',
    reasons          text[]      NOT NULL DEFAULT '{}',
    policy_hash      text,
    policy_version   text,
    valid_until      date,
    line_id          bigint,
    CONSTRAINT application_pkey PRIMARY KEY (customer_id, application_id),
    CONSTRAINT application_status_is_known CHECK (status IN (
        'received', 'gathering', 'approved', 'declined', 'referred', 'accepted', 'expired',
        'withdrawn'
    )),
    CONSTRAINT application_outcome_is_known CHECK (
        outcome IN ('approved', 'declined', 'referred')
    ),
    CONSTRAINT application_amounts_are_positive CHECK (requested_minor > 0 AND limit_minor >= 0),
    CONSTRAINT application_offer_is_complete CHECK (
        status NOT IN ('approved', 'accepted')
        OR (limit_minor > 0 AND rate_daily_e8 > 0 AND valid_until IS NOT NULL)
    ),
    CONSTRAINT application_accepted_has_a_line CHECK ((status = 'accepted') = (line_id IS NOT NULL))
);
-- One open application for each customer and product, whoever asks at the same time.
CREATE UNIQUE INDEX application_already_open
    ON decisioning.application (customer_id, product_code)
    WHERE status IN ('received', 'gathering', 'approved', 'referred');
CREATE INDEX application_by_number ON decisioning.application (application_id);
CREATE INDEX application_expiring ON decisioning.application (valid_until, application_id)
    WHERE status = 'approved';
CREATE INDEX application_waiting ON decisioning.application (application_id)
    WHERE status = 'referred';

-- What was decided, by the policy or by a person, with everything needed to decide it again.
-- Append-only.
CREATE TABLE decisioning.decision (
    customer_id     bigint      NOT NULL,
    application_id  bigint      NOT NULL,
    decision_no     smallint    NOT NULL,
    decided_by      text        NOT NULL,
    outcome         text        NOT NULL,
    policy_hash     text        NOT NULL,
    inputs          text        NOT NULL,
    result          text        NOT NULL,
    reason          text,
    decided_at      timestamptz NOT NULL,
    CONSTRAINT decision_pkey PRIMARY KEY (customer_id, application_id, decision_no),
    CONSTRAINT decision_of_an_application FOREIGN KEY (customer_id, application_id)
        REFERENCES decisioning.application (customer_id, application_id),
    CONSTRAINT decision_outcome_is_known CHECK (outcome IN ('approved', 'declined', 'referred')),
    CONSTRAINT decision_by_a_person_has_a_reason CHECK (
        decided_by = 'policy' OR length(btrim(reason)) > 0
    )
);
