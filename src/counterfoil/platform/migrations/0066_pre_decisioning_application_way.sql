-- By which way an application came in, what it waits for from the customer, and drafts of forms.
SET LOCAL lock_timeout = '3s';

ALTER TABLE decisioning.application
    -- NULL on applications of before: not recorded.
    ADD COLUMN channel text,
    -- Names of what the customer is asked for; empty where nothing is missing.
    ADD COLUMN asks text[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT application_channel_is_known CHECK (
        channel IN ('app', 'portal', 'branch', 'phone', 'partner', 'api', 'import')
    ) NOT VALID;

CREATE OR REPLACE VIEW reporting.application AS
SELECT customer_id, application_id, product_code, product_version, currency::text AS currency,
       requested_minor, purpose, status, received_at, decided_at, ended_at, outcome, decided_by,
       decision_reason, grade, points, limit_minor, rate_daily_e8, tenors_months, reasons,
       policy_hash, policy_version, valid_until, line_id, gathered_at, channel, asks
FROM decisioning.application;

-- A form that is being filled in: the only thing here that is written over, and gone once it is
-- submitted or too old.
CREATE TABLE decisioning.application_draft (
    customer_id   bigint      NOT NULL,
    product_code  text        NOT NULL,
    -- Canonical JSON: what was filled in so far.
    content       text        NOT NULL,
    saved_at      timestamptz NOT NULL,
    CONSTRAINT application_draft_pkey PRIMARY KEY (customer_id, product_code)
);
CREATE INDEX application_draft_saved ON decisioning.application_draft (saved_at);

-- How an application went: what the policy said last, what a person said, of which segment it is.
CREATE VIEW decisioning.application_way AS
SELECT a.customer_id, a.application_id, a.product_code,
       coalesce(a.channel, 'unrecorded') AS channel, a.status, a.received_at, a.gathered_at,
       a.ended_at, said.outcome AS said, said.decided_at AS said_at, said.policy_hash, said.result,
       said.result::jsonb ->> 'segment' AS segment,
       said.result::jsonb ->> 'policy_version' AS policy_version,
       person.outcome AS person, person.decided_at AS person_at
FROM decisioning.application AS a
LEFT JOIN LATERAL (
    SELECT d.outcome, d.decided_at, d.policy_hash, d.result
    FROM decisioning.decision AS d
    WHERE d.customer_id = a.customer_id AND d.application_id = a.application_id
      AND d.decided_by = 'policy'
    ORDER BY d.decision_no DESC
    LIMIT 1
) AS said ON true
LEFT JOIN LATERAL (
    SELECT d.outcome, d.decided_at
    FROM decisioning.decision AS d
    WHERE d.customer_id = a.customer_id AND d.application_id = a.application_id
      AND d.decided_by <> 'policy'
    ORDER BY d.decision_no
    LIMIT 1
) AS person ON true;

-- By when an answer to an inquiry had to be there.
CREATE VIEW reporting.inquiry_limit AS
SELECT customer_id, inquiry_id, bureau, occasion, asked_at, sent_at, answer_by, ended_at, state
FROM bureau.inquiry;
