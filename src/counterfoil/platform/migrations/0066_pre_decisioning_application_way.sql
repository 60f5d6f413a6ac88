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
