-- Experiments as they were proposed, what happened to them, whom they took, and what versions in
-- their shadow would have said. All of it is only ever added to.
SET LOCAL lock_timeout = '3s';

CREATE TABLE decisioning.experiment (
    experiment_id    bigint      NOT NULL,
    code             text        NOT NULL,
    kind             text        NOT NULL,
    purpose          text        NOT NULL,
    definition_hash  text        NOT NULL,
    -- The canonical document; its hash is what two persons approve.
    document         text        NOT NULL,
    proposed_by      text        NOT NULL,
    proposed_at      timestamptz NOT NULL,
    CONSTRAINT experiment_pkey PRIMARY KEY (experiment_id),
    CONSTRAINT experiment_exists UNIQUE (code),
    CONSTRAINT experiment_kind_is_known CHECK (kind IN ('challenger', 'shadow', 'control')),
    CONSTRAINT experiment_hash_is_sha256 CHECK (definition_hash ~ '^[0-9a-f]{64}$')
);
CREATE TRIGGER experiment_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.experiment
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();

CREATE TABLE decisioning.experiment_event (
    experiment_id  bigint      NOT NULL,
    event_no       smallint    NOT NULL,
    kind           text        NOT NULL,
    business_date  date        NOT NULL,
    at             timestamptz NOT NULL,
    -- A person, or `worker`.
    author         text        NOT NULL,
    -- Canonical JSON: the approval, the cause of a stop, what a look found.
    detail         text        NOT NULL,
    CONSTRAINT experiment_event_pkey PRIMARY KEY (experiment_id, event_no),
    CONSTRAINT experiment_event_of_an_experiment FOREIGN KEY (experiment_id)
        REFERENCES decisioning.experiment (experiment_id),
    CONSTRAINT experiment_event_is_known CHECK (
        kind IN ('proposed', 'approved', 'started', 'looked', 'stopped', 'ended')
    )
);
-- It is approved, started and brought to an end once.
CREATE UNIQUE INDEX experiment_approved_once ON decisioning.experiment_event (experiment_id)
    WHERE kind = 'approved';
CREATE UNIQUE INDEX experiment_started_once ON decisioning.experiment_event (experiment_id)
    WHERE kind = 'started';
CREATE UNIQUE INDEX experiment_over_once ON decisioning.experiment_event (experiment_id)
    WHERE kind IN ('stopped', 'ended');
CREATE TRIGGER experiment_event_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.experiment_event
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();

-- Which experiment took which case, into which arm; the decision's inputs say the same.
CREATE TABLE decisioning.experiment_case (
    customer_id    bigint      NOT NULL,
    subject_id     bigint      NOT NULL,
    experiment_id  bigint      NOT NULL,
    arm            text        NOT NULL,
    decided_at     timestamptz NOT NULL,
    CONSTRAINT experiment_case_pkey PRIMARY KEY (customer_id, subject_id, experiment_id)
);
CREATE INDEX experiment_case_by_experiment
    ON decisioning.experiment_case (experiment_id, subject_id, customer_id);
CREATE TRIGGER experiment_case_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.experiment_case
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();

-- The budget of a control group, grant by grant: number and sum so far beside what was approved.
-- A grant is written in the transaction of the decision that it accepts.
CREATE TABLE decisioning.control_grant (
    experiment_id   bigint      NOT NULL,
    grant_no        integer     NOT NULL,
    limit_minor     bigint      NOT NULL,
    spent_minor     bigint      NOT NULL,
    accounts_max    integer     NOT NULL,
    loss_minor_max  bigint      NOT NULL,
    granted_at      timestamptz NOT NULL,
    CONSTRAINT control_grant_pkey PRIMARY KEY (experiment_id, grant_no),
    CONSTRAINT control_grant_of_an_experiment FOREIGN KEY (experiment_id)
        REFERENCES decisioning.experiment (experiment_id),
    CONSTRAINT control_grant_within_accounts CHECK (grant_no BETWEEN 1 AND accounts_max),
    CONSTRAINT control_grant_within_loss CHECK (
        limit_minor > 0 AND spent_minor BETWEEN limit_minor AND loss_minor_max
    )
);
CREATE TRIGGER control_grant_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.control_grant
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();

-- What a version in the shadow says of a decided case; nobody is told and nothing follows.
CREATE TABLE decisioning.shadow_result (
    customer_id           bigint      NOT NULL,
    subject_id            bigint      NOT NULL,
    experiment_id         bigint      NOT NULL,
    -- Of production's decision.
    decided_at            timestamptz NOT NULL,
    production_hash       text        NOT NULL,
    production_outcome    text        NOT NULL,
    production_limit_minor bigint     NOT NULL,
    shadow_outcome        text        NOT NULL,
    shadow_limit_minor    bigint      NOT NULL,
    -- Codes of the shadow's rules that were true, or unknown, of the case.
    rules_true            text[]      NOT NULL,
    rules_unknown         text[]      NOT NULL,
    CONSTRAINT shadow_result_pkey PRIMARY KEY (customer_id, subject_id, experiment_id)
);
CREATE INDEX shadow_result_by_time
    ON decisioning.shadow_result (experiment_id, decided_at, customer_id, subject_id);
CREATE TRIGGER shadow_result_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.shadow_result
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();
