-- What the checks of data quality found, run by run; the last run counts.
SET LOCAL lock_timeout = '3s';

CREATE TABLE features.quality_result (
    run_id       bigint      NOT NULL,
    code         text        NOT NULL,
    kind         text        NOT NULL,
    source       text        NOT NULL,
    -- The member or feature it is about; empty: the source as a whole.
    member       text        NOT NULL,
    cases        bigint      NOT NULL,
    wrong        bigint      NOT NULL,
    effect       text        NOT NULL,
    measured_at  timestamptz NOT NULL,
    CONSTRAINT quality_result_pkey PRIMARY KEY (run_id, code),
    CONSTRAINT quality_effect_is_known CHECK (effect IN ('pass', 'warn', 'degrade', 'stop')),
    CONSTRAINT quality_counts CHECK (cases >= 0 AND wrong BETWEEN 0 AND cases)
);
CREATE INDEX quality_result_by_source ON features.quality_result (source, run_id);
CREATE TRIGGER quality_result_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
ON features.quality_result FOR EACH STATEMENT EXECUTE FUNCTION features.refuse_change();
