-- Reviews by a person of what was decided by machine, what customers chose about such decisions,
-- and the policy versions whose decisions were overturned too often. All three are only added to.
SET LOCAL lock_timeout = '3s';

-- A request for review: one decision, one review, whoever asks how often.
CREATE TABLE decisioning.review (
    customer_id     bigint      NOT NULL,
    review_id       bigint      NOT NULL,
    about           text        NOT NULL,
    -- The application, the request for a higher limit, or the measure on a line.
    subject_id      bigint      NOT NULL,
    decision_no     smallint    NOT NULL,
    -- How the contested decision ended, and by which version.
    outcome         text        NOT NULL,
    policy_hash     text        NOT NULL,
    policy_version  text        NOT NULL,
    -- In the customer's words, numbers of identity and telephone hidden; empty where none were said.
    said            text        NOT NULL,
    requested_at    timestamptz NOT NULL,
    requested_by    text        NOT NULL,
    due_on          date        NOT NULL,
    CONSTRAINT review_pkey PRIMARY KEY (customer_id, review_id),
    CONSTRAINT review_once UNIQUE (customer_id, about, subject_id, decision_no),
    CONSTRAINT review_about_is_known CHECK (
        about IN ('application', 'limit_request', 'line_measure')
    )
);
CREATE INDEX review_due ON decisioning.review (due_on, review_id);
CREATE INDEX review_by_number ON decisioning.review (review_id);
CREATE INDEX review_requested ON decisioning.review USING brin (requested_at);

CREATE TABLE decisioning.review_event (
    customer_id  bigint      NOT NULL,
    review_id    bigint      NOT NULL,
    event_no     smallint    NOT NULL,
    act          text        NOT NULL,
    -- The person; whoever was assigned, where the act is that.
    person       text        NOT NULL,
    reason       text        NOT NULL,
    at           timestamptz NOT NULL,
    CONSTRAINT review_event_pkey PRIMARY KEY (customer_id, review_id, event_no),
    CONSTRAINT review_event_of_a_review FOREIGN KEY (customer_id, review_id)
        REFERENCES decisioning.review (customer_id, review_id),
    CONSTRAINT review_act_is_known CHECK (
        act IN ('assigned', 'released', 'upheld', 'overturned', 'withdrawn')
    ),
    CONSTRAINT review_outcome_has_a_reason CHECK (
        act NOT IN ('upheld', 'overturned') OR length(btrim(reason)) > 0
    )
);
CREATE UNIQUE INDEX review_ends_once ON decisioning.review_event (customer_id, review_id)
    WHERE act IN ('upheld', 'overturned', 'withdrawn');

CREATE TRIGGER review_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.review
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();
CREATE TRIGGER review_event_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.review_event
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();

-- A version whose overturned share passed the lender's threshold: its policy is looked at again.
CREATE TABLE decisioning.policy_review (
    policy_hash      text        NOT NULL,
    policy_version   text        NOT NULL,
    reviewed         integer     NOT NULL,
    overturned       integer     NOT NULL,
    threshold_ppm    integer     NOT NULL,
    opened_at        timestamptz NOT NULL,
    CONSTRAINT policy_review_pkey PRIMARY KEY (policy_hash),
    CONSTRAINT policy_review_counts CHECK (overturned BETWEEN 0 AND reviewed)
);
CREATE TRIGGER policy_review_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.policy_review
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();

-- What a customer chose about decisions by machine; the last word on each choice holds.
CREATE TABLE decisioning.customer_choice (
    customer_id  bigint      NOT NULL,
    choice_id    bigint      NOT NULL,
    choice       text        NOT NULL,
    is_on        boolean     NOT NULL,
    chosen_at    timestamptz NOT NULL,
    -- Through whom it reached the house.
    channel      text        NOT NULL,
    CONSTRAINT customer_choice_pkey PRIMARY KEY (customer_id, choice_id),
    CONSTRAINT customer_choice_is_known CHECK (choice IN ('person_decides', 'standard_offer'))
);
CREATE INDEX customer_choice_last
    ON decisioning.customer_choice (customer_id, choice, choice_id DESC);
CREATE TRIGGER customer_choice_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.customer_choice
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();

CREATE VIEW reporting.review AS
SELECT r.customer_id, r.review_id, r.about, r.subject_id, r.decision_no, r.outcome, r.policy_hash,
       r.policy_version, r.said, r.requested_at, r.requested_by, r.due_on,
       ended.act AS ended_as, ended.person AS ended_by, ended.at AS ended_at
FROM decisioning.review AS r
LEFT JOIN decisioning.review_event AS ended
  ON ended.customer_id = r.customer_id AND ended.review_id = r.review_id
 AND ended.act IN ('upheld', 'overturned', 'withdrawn');
