-- A line whose customer signed another price has it from then on; its loans keep theirs.
SET LOCAL lock_timeout = '3s';

CREATE TYPE lending.line_change_v5 AS (
    customer_id bigint, line_id bigint, stored_version bigint, status text, limit_minor bigint,
    own_cap_minor bigint, principal_minor bigint, held_minor bigint, credit_minor bigint,
    repayment_day smallint, frozen_until date, status_reason text, next_cap_minor bigint,
    next_cap_on date, day_changed_on date, day_changes smallint, version bigint,
    returning_minor bigint, contract_id bigint, agreement_sha256 bytea, product_version integer,
    rate_daily_e8 integer
);
