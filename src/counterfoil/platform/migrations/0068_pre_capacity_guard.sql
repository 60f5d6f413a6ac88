-- The guard against too much debt: the documents of ceilings, and every run with what it looked at.
SET LOCAL lock_timeout = '3s';

-- A document of ceilings as it was when it first judged.
CREATE TABLE capacity.ceilings (
    sha256   text        NOT NULL,
    version  text        NOT NULL,
    body     text        NOT NULL,
    kept_at  timestamptz NOT NULL,
    CONSTRAINT ceilings_pkey PRIMARY KEY (sha256),
    CONSTRAINT ceilings_sha256 CHECK (length(sha256) = 64)
);
CREATE TRIGGER ceilings_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON capacity.ceilings
FOR EACH STATEMENT EXECUTE FUNCTION capacity.refuse_change();

CREATE TABLE capacity.guard_run (
    customer_id  bigint      NOT NULL,
    run_id       bigint      NOT NULL,
    occasion     text        NOT NULL,
    -- What it ran for: an application, a request, a line; NULL at a review of the person.
    subject_id   bigint,
    as_of        date        NOT NULL,
    ran_at       timestamptz NOT NULL,
    outcome      text        NOT NULL,
    cap_minor    bigint,
    cap_by       text        NOT NULL,
    -- Codes of the ceilings that were reached, hard ones with `!` before them.
    hits         text[]      NOT NULL,
    ceilings     text        NOT NULL,
    -- Canonical JSON; enough to run it again.
    inputs       text        NOT NULL,
    result       text        NOT NULL,
    CONSTRAINT guard_run_pkey PRIMARY KEY (customer_id, run_id),
    CONSTRAINT guard_run_under_ceilings FOREIGN KEY (ceilings) REFERENCES capacity.ceilings,
    CONSTRAINT guard_run_occasion_is_known CHECK (
        occasion IN ('application', 'increase', 'draw', 'review')
    ),
    CONSTRAINT guard_run_outcome_is_known CHECK (
        outcome IN ('clear', 'unknown', 'capped', 'refer', 'refuse')
    ),
    CONSTRAINT guard_run_cap_is_named CHECK ((cap_minor IS NULL) = (cap_by = ''))
);
CREATE INDEX guard_run_by_day ON capacity.guard_run (as_of, customer_id, run_id);
CREATE TRIGGER guard_run_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON capacity.guard_run
FOR EACH STATEMENT EXECUTE FUNCTION capacity.refuse_change();

CREATE TYPE capacity.guard_run_v1 AS (
    customer_id bigint, run_id bigint, occasion text, subject_id bigint, as_of date,
    ran_at timestamptz, outcome text, cap_minor bigint, cap_by text, hits text[], ceilings text,
    inputs text, result text
);

-- The latest state of each customer against each ceiling, for the view over the whole book.
CREATE VIEW capacity.latest_run AS
SELECT DISTINCT ON (customer_id) customer_id, run_id, occasion, as_of, outcome, hits
FROM capacity.guard_run
ORDER BY customer_id, run_id DESC;
