-- Which version decides for which purpose and from when, what its action cap holds back, and which
-- rules are suppressed for which customers.
SET LOCAL lock_timeout = '3s';

ALTER TABLE decisioning.policy_publication
    ADD COLUMN purpose text,
    ADD COLUMN effective_from timestamptz;
ALTER TABLE decisioning.policy_publication DISABLE TRIGGER policy_publication_stays;
UPDATE decisioning.policy_publication AS publication
SET purpose = coalesce(version.document::json ->> 'purpose', 'origination'),
    effective_from = publication.published_at
FROM decisioning.policy_version AS version
WHERE version.policy_hash = publication.policy_hash;
ALTER TABLE decisioning.policy_publication ENABLE TRIGGER policy_publication_stays;

-- A program of the last release does not say these yet: its versions decide at once.
CREATE FUNCTION decisioning.fill_publication() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.effective_from := coalesce(NEW.effective_from, NEW.published_at);
    IF NEW.purpose IS NULL THEN
        SELECT coalesce(version.document::json ->> 'purpose', 'origination') INTO NEW.purpose
        FROM decisioning.policy_version AS version
        WHERE version.policy_hash = NEW.policy_hash;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER policy_publication_filled BEFORE INSERT ON decisioning.policy_publication
FOR EACH ROW EXECUTE FUNCTION decisioning.fill_publication();
ALTER TABLE decisioning.policy_publication
    ALTER COLUMN purpose SET NOT NULL,
    ALTER COLUMN effective_from SET NOT NULL;
CREATE INDEX policy_publication_in_force
    ON decisioning.policy_publication (purpose, effective_from, publication_id);

-- Decisions come in the order of time, so a few pages tell where each span of it lies.
CREATE INDEX decision_by_time ON decisioning.decision USING brin (decided_at);
CREATE INDEX limit_decision_by_time ON decisioning.limit_decision USING brin (decided_at);

-- What a version decided by machine in one span of five minutes, counted once nobody adds to it any
-- more. Rule '*' with 'decided' and 'declined' are all cases; a rule's code with 'true' and
-- 'unknown' how often it said so in cases that were declined.
CREATE TABLE decisioning.decision_tally (
    policy_hash  text        NOT NULL,
    began_at     timestamptz NOT NULL,
    rule_code    text        NOT NULL,
    said         text        NOT NULL,
    cases        bigint      NOT NULL,
    CONSTRAINT decision_tally_pkey PRIMARY KEY (policy_hash, began_at, rule_code, said),
    CONSTRAINT decision_tally_counts CHECK (cases >= 0)
);
CREATE TRIGGER decision_tally_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.decision_tally
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();

-- When an action cap began and ceased to hold back a rule of a version; '*' is all of them.
CREATE TABLE decisioning.policy_trip (
    trip_id      bigint      NOT NULL,
    policy_hash  text        NOT NULL,
    rule_code    text        NOT NULL,
    is_tripped   boolean     NOT NULL,
    -- Within the window: all cases, and those that the rule declined.
    cases        bigint      NOT NULL,
    declined     bigint      NOT NULL,
    at           timestamptz NOT NULL,
    CONSTRAINT policy_trip_pkey PRIMARY KEY (trip_id),
    CONSTRAINT policy_trip_of_a_version FOREIGN KEY (policy_hash)
        REFERENCES decisioning.policy_version (policy_hash)
);
CREATE INDEX policy_trip_last ON decisioning.policy_trip (policy_hash, rule_code, trip_id);
CREATE TRIGGER policy_trip_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.policy_trip
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();

-- A rule that is suppressed for one customer until an instant, and who stands behind it.
CREATE TABLE decisioning.rule_snooze (
    customer_id  bigint      NOT NULL,
    snooze_id    bigint      NOT NULL,
    purpose      text        NOT NULL,
    rule_code    text        NOT NULL,
    reason       text        NOT NULL,
    asked_by     text        NOT NULL,
    approved_by  text        NOT NULL,
    approval_id  bigint      NOT NULL,
    starts_at    timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    CONSTRAINT rule_snooze_pkey PRIMARY KEY (customer_id, snooze_id),
    CONSTRAINT rule_snooze_once_approved UNIQUE (customer_id, approval_id),
    CONSTRAINT rule_snooze_by_two_people CHECK (asked_by <> approved_by),
    CONSTRAINT rule_snooze_ends CHECK (expires_at > starts_at),
    CONSTRAINT rule_snooze_has_a_reason CHECK (length(btrim(reason)) > 0)
);
CREATE TRIGGER rule_snooze_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.rule_snooze
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();

-- A snooze that somebody ended before its time.
CREATE TABLE decisioning.rule_snooze_end (
    customer_id  bigint      NOT NULL,
    snooze_id    bigint      NOT NULL,
    ended_by     text        NOT NULL,
    reason       text        NOT NULL,
    ended_at     timestamptz NOT NULL,
    CONSTRAINT rule_snooze_end_pkey PRIMARY KEY (customer_id, snooze_id),
    CONSTRAINT rule_snooze_end_of_a_snooze FOREIGN KEY (customer_id, snooze_id)
        REFERENCES decisioning.rule_snooze (customer_id, snooze_id)
);
CREATE TRIGGER rule_snooze_end_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.rule_snooze_end
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();

CREATE VIEW reporting.policy_publication AS
SELECT publication_id, policy_hash, purpose, author, approver, published_at, effective_from
FROM decisioning.policy_publication;

CREATE VIEW reporting.policy_trip AS
SELECT trip_id, policy_hash, rule_code, is_tripped, cases, declined, at
FROM decisioning.policy_trip;

CREATE VIEW reporting.rule_snooze AS
SELECT snooze.customer_id, snooze.snooze_id, snooze.purpose, snooze.rule_code, snooze.reason,
       snooze.asked_by, snooze.approved_by, snooze.starts_at, snooze.expires_at, ended.ended_by,
       ended.ended_at
FROM decisioning.rule_snooze AS snooze
LEFT JOIN decisioning.rule_snooze_end AS ended
  ON ended.customer_id = snooze.customer_id AND ended.snooze_id = snooze.snooze_id;
