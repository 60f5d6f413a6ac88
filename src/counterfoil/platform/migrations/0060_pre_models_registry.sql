-- Models as they were registered, what became of them, and what was found of them later. Nothing
-- here is changed or removed: a state is the last thing that happened.
SET LOCAL lock_timeout = '3s';

CREATE SCHEMA IF NOT EXISTS models;

CREATE FUNCTION models.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is only added to, never changed or removed',
        TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'CF003';
END $$;

-- A model's file, canonical, by its own hash.
CREATE TABLE models.model (
    model_sha256  text        NOT NULL,
    code          text        NOT NULL,
    version       text        NOT NULL,
    kind          text        NOT NULL,
    owner         text        NOT NULL,
    data_sha256   text        NOT NULL,
    document      text        NOT NULL,
    developer     text        NOT NULL,
    added_at      timestamptz NOT NULL,
    CONSTRAINT model_pkey PRIMARY KEY (model_sha256),
    CONSTRAINT model_version_taken UNIQUE (code, version),
    CONSTRAINT model_hash_is_sha256 CHECK (model_sha256 ~ '^[0-9a-f]{64}$')
);
CREATE INDEX model_by_time ON models.model (added_at, model_sha256);

-- A validation as the person who made it recorded it.
CREATE TABLE models.validation (
    validation_id  bigint      NOT NULL,
    model_sha256   text        NOT NULL,
    data_sha256    text        NOT NULL,
    report_sha256  bytea       NOT NULL,
    report         text        NOT NULL,
    verdict        text        NOT NULL,
    -- Codes of red alarms that the person accepts, each with the reason that stands beside.
    accepted       text[]      NOT NULL DEFAULT '{}',
    reason         text        NOT NULL,
    validated_by   text        NOT NULL,
    validated_at   timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    CONSTRAINT validation_pkey PRIMARY KEY (validation_id),
    CONSTRAINT validation_of_a_model FOREIGN KEY (model_sha256)
        REFERENCES models.model (model_sha256),
    CONSTRAINT validation_hash_is_sha256 CHECK (octet_length(report_sha256) = 32),
    CONSTRAINT validation_verdict_is_known CHECK (verdict IN ('green', 'amber', 'red')),
    CONSTRAINT validation_has_a_reason CHECK (length(btrim(reason)) > 0),
    CONSTRAINT validation_expires CHECK (expires_at > validated_at)
);
CREATE INDEX validation_of_model ON models.validation (model_sha256, validation_id);

-- What happened to a model, and the state it is in since.
CREATE TABLE models.model_event (
    event_id       bigint      NOT NULL,
    model_sha256   text        NOT NULL,
    act            text        NOT NULL,
    state          text        NOT NULL,
    done_by        text        NOT NULL,
    reason         text        NOT NULL,
    at             timestamptz NOT NULL,
    validation_id  bigint,
    approval_id    bigint,
    -- Until when an approval holds.
    expires_at     timestamptz,
    CONSTRAINT model_event_pkey PRIMARY KEY (event_id),
    CONSTRAINT model_event_of_a_model FOREIGN KEY (model_sha256)
        REFERENCES models.model (model_sha256),
    CONSTRAINT model_event_of_a_validation FOREIGN KEY (validation_id)
        REFERENCES models.validation (validation_id),
    CONSTRAINT model_event_once_approved UNIQUE (approval_id),
    CONSTRAINT model_event_act_is_known CHECK (
        act IN ('registered', 'validated', 'approved', 'published', 'retired')),
    CONSTRAINT model_event_state_is_known CHECK (
        state IN ('draft', 'validated', 'approved', 'live', 'retired')),
    CONSTRAINT model_event_has_a_reason CHECK (length(btrim(reason)) > 0),
    CONSTRAINT model_event_approval_is_whole CHECK (
        (act = 'approved') = (approval_id IS NOT NULL)
        AND (act = 'approved') = (expires_at IS NOT NULL)
        AND (act IN ('validated', 'approved')) = (validation_id IS NOT NULL))
);
CREATE INDEX model_event_of_model ON models.model_event (model_sha256, event_id);
CREATE INDEX model_event_validation ON models.model_event (validation_id)
    WHERE validation_id IS NOT NULL;

-- Figures of a model and one segment over what it decided; '*' is all segments.
CREATE TABLE models.monitoring (
    monitoring_id  bigint      NOT NULL,
    model_sha256   text        NOT NULL,
    segment        text        NOT NULL,
    since          timestamptz NOT NULL,
    until          timestamptz NOT NULL,
    cases          bigint      NOT NULL,
    level          text        NOT NULL,
    document       text        NOT NULL,
    -- Who has to act on amber and red, and until when.
    owner          text        NOT NULL,
    due_on         date,
    made_at        timestamptz NOT NULL,
    CONSTRAINT monitoring_pkey PRIMARY KEY (monitoring_id),
    CONSTRAINT monitoring_of_a_model FOREIGN KEY (model_sha256)
        REFERENCES models.model (model_sha256),
    CONSTRAINT monitoring_level_is_known CHECK (level IN ('green', 'amber', 'red')),
    CONSTRAINT monitoring_alarm_has_a_deadline CHECK ((level = 'green') = (due_on IS NULL))
);
CREATE INDEX monitoring_of_model ON models.monitoring (model_sha256, segment, monitoring_id);

-- When automatic approvals of a segment began and ceased to be held back; '*' is all segments.
CREATE TABLE models.hold (
    hold_id        bigint      NOT NULL,
    model_sha256   text        NOT NULL,
    segment        text        NOT NULL,
    is_held        boolean     NOT NULL,
    monitoring_id  bigint,
    done_by        text        NOT NULL,
    reason         text        NOT NULL,
    at             timestamptz NOT NULL,
    CONSTRAINT hold_pkey PRIMARY KEY (hold_id),
    CONSTRAINT hold_of_a_model FOREIGN KEY (model_sha256) REFERENCES models.model (model_sha256),
    CONSTRAINT hold_of_a_monitoring FOREIGN KEY (monitoring_id)
        REFERENCES models.monitoring (monitoring_id),
    CONSTRAINT hold_has_a_reason CHECK (length(btrim(reason)) > 0)
);
CREATE INDEX hold_last ON models.hold (model_sha256, segment, hold_id);
CREATE INDEX hold_monitoring ON models.hold (monitoring_id) WHERE monitoring_id IS NOT NULL;

-- What a scenario would do to expected losses and limits.
CREATE TABLE models.stress (
    stress_id        bigint      NOT NULL,
    model_sha256     text        NOT NULL,
    data_sha256      text        NOT NULL,
    scenario_sha256  text        NOT NULL,
    document         text        NOT NULL,
    made_by          text        NOT NULL,
    made_at          timestamptz NOT NULL,
    CONSTRAINT stress_pkey PRIMARY KEY (stress_id),
    CONSTRAINT stress_of_a_model FOREIGN KEY (model_sha256) REFERENCES models.model (model_sha256)
);
CREATE INDEX stress_of_model ON models.stress (model_sha256, stress_id);

CREATE TRIGGER model_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON models.model
FOR EACH STATEMENT EXECUTE FUNCTION models.refuse_change();
CREATE TRIGGER validation_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON models.validation
FOR EACH STATEMENT EXECUTE FUNCTION models.refuse_change();
CREATE TRIGGER model_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON models.model_event
FOR EACH STATEMENT EXECUTE FUNCTION models.refuse_change();
CREATE TRIGGER monitoring_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON models.monitoring
FOR EACH STATEMENT EXECUTE FUNCTION models.refuse_change();
CREATE TRIGGER hold_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON models.hold
FOR EACH STATEMENT EXECUTE FUNCTION models.refuse_change();
CREATE TRIGGER stress_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON models.stress
FOR EACH STATEMENT EXECUTE FUNCTION models.refuse_change();

-- Which policy versions decide by which model, as their documents say.
CREATE VIEW reporting.policy_model AS
SELECT version.policy_hash, version.code, version.version,
       coalesce(version.document::json ->> 'purpose', 'origination') AS purpose,
       version.document::json #>> '{model,sha256}' AS model_sha256
FROM decisioning.policy_version AS version
WHERE version.document::json #>> '{model,sha256}' IS NOT NULL;

CREATE VIEW reporting.model AS
SELECT model_sha256, code, version, kind, owner, data_sha256, developer, added_at
FROM models.model;

CREATE VIEW reporting.model_monitoring AS
SELECT monitoring_id, model_sha256, segment, since, until, cases, level, owner, due_on, made_at
FROM models.monitoring;

CREATE VIEW reporting.model_hold AS
SELECT hold_id, model_sha256, segment, is_held, monitoring_id, done_by, reason, at
FROM models.hold;
