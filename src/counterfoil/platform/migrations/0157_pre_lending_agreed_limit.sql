-- What the customer agreed to, where the limit of a line is another: after a lowering. Null where it
-- is the limit itself. Nobody but the customer raises a limit above it.
SET LOCAL lock_timeout = '3s';

ALTER TABLE lending.credit_line ADD COLUMN agreed_limit_minor bigint;
ALTER TABLE lending.credit_line ADD CONSTRAINT line_agreed_limit_in_range CHECK (
    agreed_limit_minor > 0) NOT VALID;

CREATE TYPE lending.line_v4 AS (
    customer_id bigint, line_id bigint, application_id bigint, product_code text,
    product_version integer, lender_id text, currency text, status text, limit_minor bigint,
    rate_daily_e8 integer, repayment_day smallint, opened_on date, valid_to date, version bigint,
    own_cap_minor bigint, principal_minor bigint, held_minor bigint, credit_minor bigint,
    frozen_until date, status_reason text, next_cap_minor bigint, next_cap_on date,
    day_changed_on date, day_changes smallint, returning_minor bigint, contract_id bigint,
    agreement_sha256 bytea, agreed_limit_minor bigint
);

CREATE TYPE lending.line_change_v6 AS (
    customer_id bigint, line_id bigint, stored_version bigint, status text, limit_minor bigint,
    own_cap_minor bigint, principal_minor bigint, held_minor bigint, credit_minor bigint,
    repayment_day smallint, frozen_until date, status_reason text, next_cap_minor bigint,
    next_cap_on date, day_changed_on date, day_changes smallint, version bigint,
    returning_minor bigint, contract_id bigint, agreement_sha256 bytea, product_version integer,
    rate_daily_e8 integer, agreed_limit_minor bigint
);

-- Lines of which the history has another limit than the last that was agreed: the highest by the
-- opening or by an agreed raise, since the customer last agreed to a lower one or asked for it.
WITH said AS (
    SELECT e.customer_id, e.line_id, e.version, e.after_value::bigint AS limit_minor,
           e.kind = 'limit_lowered' AS is_lower
    FROM lending.line_event AS e
    WHERE e.kind = 'opened'
       OR (e.kind = 'limit_raised' AND e.reason = 'limit_request' AND e.author = 'customer')
       OR (e.kind = 'limit_lowered'
           AND (e.author = 'customer' OR e.reason IN ('own_wish', 'customer_request')))
),
since AS (
    SELECT s.customer_id, s.line_id, max(s.version) FILTER (WHERE s.is_lower) AS version
    FROM said AS s
    GROUP BY s.customer_id, s.line_id
),
agreed AS (
    SELECT s.customer_id, s.line_id, max(s.limit_minor) AS limit_minor
    FROM said AS s
    JOIN since AS o ON o.customer_id = s.customer_id AND o.line_id = s.line_id
    WHERE o.version IS NULL OR s.version >= o.version
    GROUP BY s.customer_id, s.line_id
)
UPDATE lending.credit_line AS l
SET agreed_limit_minor = a.limit_minor
FROM agreed AS a
WHERE l.customer_id = a.customer_id AND l.line_id = a.line_id
  AND l.limit_minor <> a.limit_minor AND a.limit_minor > 0;
