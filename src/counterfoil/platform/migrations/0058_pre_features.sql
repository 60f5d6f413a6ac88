-- Events from which features follow, what is known of them in quarantine, switches of sources, ends
-- of purposes. Nothing here is changed or removed.
SET LOCAL lock_timeout = '3s';

CREATE SCHEMA IF NOT EXISTS features;

CREATE FUNCTION features.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is only added to, never changed or removed',
        TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'CF003';
END $$;

-- What became known of a customer. Members are numbers, yes or no, and codes: nothing personal.
CREATE TABLE features.event (
    customer_id    bigint      NOT NULL,
    event_id       bigint      NOT NULL,
    kind           text        NOT NULL,
    source         text        NOT NULL,
    -- The source's own number, and which word of it on the same record this is.
    source_record  text        NOT NULL,
    revision       integer     NOT NULL,
    is_void        boolean     NOT NULL DEFAULT false,
    line_id        bigint,
    purpose        text        NOT NULL,
    legal_basis    text        NOT NULL,
    consent_id     bigint,
    occurred_on    date        NOT NULL,
    occurred_at    timestamptz NOT NULL,
    known_at       timestamptz NOT NULL,
    expires_at     timestamptz,
    facts          text        NOT NULL,
    CONSTRAINT feature_event_pkey PRIMARY KEY (customer_id, event_id),
    CONSTRAINT feature_event_once UNIQUE (customer_id, source, kind, source_record, revision),
    CONSTRAINT feature_event_without_basis CHECK (
        legal_basis IN ('contract', 'consent', 'law') AND purpose <> ''
    ),
    CONSTRAINT feature_event_revision_counts CHECK (revision >= 0)
);
CREATE TRIGGER feature_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON features.event
FOR EACH STATEMENT EXECUTE FUNCTION features.refuse_change();
-- Checks of quality look at what became known lately, whoever it is about.
CREATE INDEX feature_event_known ON features.event (source, known_at);

-- Until when the house's own records have been told: what becomes known about earlier is late, and
-- known only from when it is written. So no answer given before can change.
CREATE TABLE features.told (
    customer_id  bigint      NOT NULL,
    told_until   timestamptz NOT NULL,
    CONSTRAINT told_pkey PRIMARY KEY (customer_id)
) WITH (fillfactor = 80);

CREATE TYPE features.event_v1 AS (
    customer_id bigint, event_id bigint, kind text, source text, source_record text,
    revision integer, is_void boolean, line_id bigint, purpose text, legal_basis text,
    consent_id bigint, occurred_on date, occurred_at timestamptz, known_at timestamptz,
    expires_at timestamptz, facts text
);

-- Malformed input, as far as it can be kept; what became of it stands beside it.
CREATE TABLE features.quarantined (
    customer_id    bigint      NOT NULL,
    event_id       bigint      NOT NULL,
    kind           text        NOT NULL,
    source         text        NOT NULL,
    source_record  text        NOT NULL,
    line_id        bigint,
    purpose        text        NOT NULL,
    legal_basis    text        NOT NULL,
    consent_id     bigint,
    occurred_on    date        NOT NULL,
    occurred_at    timestamptz NOT NULL,
    expires_at     timestamptz,
    facts          text        NOT NULL,
    -- Of the event as it came, so that the same again is held once.
    content_sha256 bytea       NOT NULL,
    -- Names of members whose values could not be kept.
    dropped        text[]      NOT NULL,
    reason         text        NOT NULL,
    member         text        NOT NULL,
    held_at        timestamptz NOT NULL,
    CONSTRAINT quarantined_pkey PRIMARY KEY (customer_id, event_id),
    CONSTRAINT quarantined_once UNIQUE (customer_id, content_sha256)
);
CREATE INDEX quarantined_held ON features.quarantined (source, held_at);
CREATE TRIGGER quarantined_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON features.quarantined
FOR EACH STATEMENT EXECUTE FUNCTION features.refuse_change();

CREATE TABLE features.quarantine_end (
    customer_id  bigint      NOT NULL,
    event_id     bigint      NOT NULL,
    outcome      text        NOT NULL,
    -- The event that a repair became.
    repaired_id  bigint,
    ended_by     text        NOT NULL,
    reason       text        NOT NULL,
    ended_at     timestamptz NOT NULL,
    CONSTRAINT quarantine_end_pkey PRIMARY KEY (customer_id, event_id),
    CONSTRAINT quarantine_end_of_one FOREIGN KEY (customer_id, event_id)
        REFERENCES features.quarantined (customer_id, event_id),
    CONSTRAINT quarantine_end_is_known CHECK (outcome IN ('repaired', 'discarded')),
    CONSTRAINT quarantine_end_has_its_event CHECK (
        (outcome = 'repaired') = (repaired_id IS NOT NULL)
    ),
    CONSTRAINT quarantine_end_has_a_reason CHECK (length(btrim(reason)) > 0)
);
CREATE TRIGGER quarantine_end_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
ON features.quarantine_end FOR EACH STATEMENT EXECUTE FUNCTION features.refuse_change();

-- Sources switched on by two people, or off by one.
CREATE TABLE features.source_switch (
    switch_id          bigint      NOT NULL,
    source             text        NOT NULL,
    is_on              boolean     NOT NULL,
    -- Of the impact assessment, and the number of the licence that the data comes under.
    assessment_sha256  bytea,
    licence            text        NOT NULL DEFAULT '',
    approval_id        bigint,
    switched_by        text        NOT NULL,
    reason             text        NOT NULL,
    switched_at        timestamptz NOT NULL,
    CONSTRAINT source_switch_pkey PRIMARY KEY (switch_id),
    CONSTRAINT source_switch_is_approved CHECK (
        NOT is_on OR (approval_id IS NOT NULL AND octet_length(assessment_sha256) = 32
                      AND licence <> '')
    )
);
CREATE TRIGGER source_switch_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
ON features.source_switch FOR EACH STATEMENT EXECUTE FUNCTION features.refuse_change();

-- A feature that is no longer used for a purpose, from an instant on; nothing ever undoes it.
CREATE TABLE features.purpose_end (
    name      text        NOT NULL,
    purpose   text        NOT NULL,
    ended_by  text        NOT NULL,
    reason    text        NOT NULL,
    ended_at  timestamptz NOT NULL,
    CONSTRAINT purpose_end_pkey PRIMARY KEY (name, purpose),
    CONSTRAINT purpose_end_has_a_reason CHECK (length(btrim(reason)) > 0)
);
CREATE TRIGGER purpose_end_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
ON features.purpose_end FOR EACH STATEMENT EXECUTE FUNCTION features.refuse_change();

-- What a customer says is wrong and we cannot correct by ourselves.
CREATE TABLE features.contested (
    customer_id   bigint      NOT NULL,
    contested_id  bigint      NOT NULL,
    name          text        NOT NULL,
    contested_at  timestamptz NOT NULL,
    CONSTRAINT contested_pkey PRIMARY KEY (customer_id, contested_id)
);
CREATE TRIGGER contested_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
ON features.contested FOR EACH STATEMENT EXECUTE FUNCTION features.refuse_change();
