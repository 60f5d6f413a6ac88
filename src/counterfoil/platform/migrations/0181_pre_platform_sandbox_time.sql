-- Time that a sandbox has skipped, step by step. Only ever added to, and only ever forward.
SET LOCAL lock_timeout = '3s';

CREATE TABLE platform.sandbox_time (
    -- Who skipped and under which key: a repeated request finds its step.
    step_key        text        NOT NULL,
    -- How far the sandbox is ahead of the world since this step.
    ahead_seconds   bigint      NOT NULL,
    -- Up to which business date days are to be closed.
    business_date   date        NOT NULL,
    -- By the world's clock.
    skipped_at      timestamptz NOT NULL,
    CONSTRAINT sandbox_time_pkey PRIMARY KEY (step_key),
    CONSTRAINT sandbox_time_forward UNIQUE (ahead_seconds),
    CONSTRAINT sandbox_time_ahead CHECK (ahead_seconds > 0)
);

CREATE FUNCTION platform.keep_sandbox_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'time that was skipped does not come back' USING ERRCODE = 'CF003';
END $$;
CREATE TRIGGER sandbox_time_stays
BEFORE UPDATE OR DELETE OR TRUNCATE ON platform.sandbox_time
FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_sandbox_time();
