-- Staff: the second factor, which rights are used and who confirmed them, and emergency access.
SET LOCAL lock_timeout = '3s';

-- Since when the role is held, and which sign-ins do not count any more.
ALTER TABLE platform.operator
    ADD COLUMN rights_since timestamptz,
    ADD COLUMN signed_in_after timestamptz;

-- The secret that an operator's app shares with us, sealed; one that is not confirmed yet beside it.
CREATE TABLE platform.second_factor (
    operator_id   bigint      NOT NULL,
    secret        bytea,
    pending       bytea,
    confirmed_at  timestamptz,
    last_step     bigint      NOT NULL DEFAULT 0,
    CONSTRAINT second_factor_pkey PRIMARY KEY (operator_id),
    CONSTRAINT second_factor_of_operator FOREIGN KEY (operator_id)
        REFERENCES platform.operator (operator_id),
    CONSTRAINT second_factor_is_whole CHECK (
        (secret IS NULL) = (confirmed_at IS NULL)
        AND (secret IS NOT NULL OR pending IS NOT NULL))
);

-- Codes on paper for whoever has lost the app; each once.
CREATE TABLE platform.recovery_code (
    operator_id  bigint      NOT NULL,
    digest       bytea       NOT NULL,
    used_at      timestamptz,
    CONSTRAINT recovery_code_pkey PRIMARY KEY (operator_id, digest),
    CONSTRAINT recovery_code_of_factor FOREIGN KEY (operator_id)
        REFERENCES platform.second_factor (operator_id) ON DELETE CASCADE,
    CONSTRAINT recovery_code_is_sha256 CHECK (octet_length(digest) = 32)
);

-- The day on which somebody last used a permission.
CREATE TABLE platform.right_use (
    operator      text  NOT NULL,
    permission    text  NOT NULL,
    last_used_on  date  NOT NULL,
    CONSTRAINT right_use_pkey PRIMARY KEY (operator, permission)
);

-- That somebody still needs a permission, by the word of somebody else. Append-only.
CREATE TABLE platform.right_confirmation (
    confirmation_id  bigint      NOT NULL,
    operator         text        NOT NULL,
    permission       text        NOT NULL,
    confirmed_by     text        NOT NULL,
    reason           text        NOT NULL,
    confirmed_at     timestamptz NOT NULL,
    CONSTRAINT right_confirmation_pkey PRIMARY KEY (confirmation_id),
    CONSTRAINT right_confirmed_by_another CHECK (confirmed_by <> operator),
    CONSTRAINT right_confirmation_has_reason CHECK (length(btrim(reason)) > 0)
);
CREATE INDEX right_confirmation_of ON platform.right_confirmation (operator, permission);

-- Emergency access: the rights of another role, for a time, with a reason. Append-only.
CREATE TABLE platform.emergency (
    emergency_id  bigint      NOT NULL,
    operator      text        NOT NULL,
    role          text        NOT NULL,
    lent_role     text        NOT NULL,
    ticket        text        NOT NULL,
    reason        text        NOT NULL,
    started_at    timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL,
    CONSTRAINT emergency_pkey PRIMARY KEY (emergency_id),
    CONSTRAINT emergency_has_reason CHECK (length(btrim(reason)) > 0),
    CONSTRAINT emergency_lends_another_role CHECK (role <> lent_role),
    CONSTRAINT emergency_is_short
        CHECK (ends_at > started_at AND ends_at <= started_at + interval '4 hours')
);
CREATE INDEX emergency_of ON platform.emergency (operator, ends_at);

CREATE TABLE platform.emergency_event (
    emergency_id  bigint      NOT NULL,
    kind          text        NOT NULL,
    operator      text        NOT NULL,
    done_by       text        NOT NULL,
    finding       text        NOT NULL,
    text          text        NOT NULL,
    at            timestamptz NOT NULL,
    CONSTRAINT emergency_event_pkey PRIMARY KEY (emergency_id, kind),
    CONSTRAINT emergency_event_of FOREIGN KEY (emergency_id)
        REFERENCES platform.emergency (emergency_id),
    CONSTRAINT emergency_event_kind_is_known CHECK (kind IN ('ended', 'reviewed')),
    CONSTRAINT emergency_reviewed_by_another CHECK (kind <> 'reviewed' OR done_by <> operator),
    CONSTRAINT emergency_finding_is_known CHECK (
        CASE kind WHEN 'reviewed' THEN finding IN ('justified', 'not_justified')
                  ELSE finding = '' END),
    CONSTRAINT emergency_review_has_text CHECK (kind <> 'reviewed' OR length(btrim(text)) > 0)
);

CREATE FUNCTION platform.keep_staff_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is only ever added to', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'CF003';
END $$;
CREATE TRIGGER right_confirmation_stays
BEFORE UPDATE OR DELETE OR TRUNCATE ON platform.right_confirmation
FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_staff_record();
CREATE TRIGGER emergency_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON platform.emergency
FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_staff_record();
CREATE TRIGGER emergency_event_stays
BEFORE UPDATE OR DELETE OR TRUNCATE ON platform.emergency_event
FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_staff_record();
