-- Credit that goes back to the customer: what is on its way stands beside what is kept, and each
-- return is a row from the day it was asked for to the day its money arrived or came back.
SET LOCAL lock_timeout = '3s';

ALTER TABLE lending.credit_line ADD COLUMN returning_minor bigint NOT NULL DEFAULT 0;
ALTER TABLE lending.credit_line
    ADD CONSTRAINT line_returning_not_negative CHECK (returning_minor >= 0) NOT VALID;
ALTER TABLE lending.credit_line
    ADD CONSTRAINT line_closed_keeps_nothing CHECK (
        status <> 'closed' OR (credit_minor = 0 AND returning_minor = 0)) NOT VALID;

CREATE TABLE lending.credit_return (
    customer_id      bigint   NOT NULL,
    return_id        bigint   NOT NULL,
    line_id          bigint   NOT NULL,
    amount_minor     bigint   NOT NULL,
    currency         char(3)  NOT NULL,
    payee_ref        text     NOT NULL,
    requested_on     date     NOT NULL,
    status           text     NOT NULL,
    value_date       date,
    rail_reference   text,
    failure_code     text,
    settled_on       date,
    PRIMARY KEY (customer_id, return_id),
    FOREIGN KEY (customer_id, line_id) REFERENCES lending.credit_line,
    CONSTRAINT credit_return_amount_positive CHECK (amount_minor > 0),
    CONSTRAINT credit_return_status_known CHECK (status IN ('requested', 'paid', 'failed')),
    CONSTRAINT credit_return_outcome_complete CHECK (
        (settled_on IS NULL) = (status = 'requested')
        AND (value_date IS NULL) = (status <> 'paid')
        AND (rail_reference IS NULL) = (status <> 'paid')
        AND (failure_code IS NULL) = (status <> 'failed'))
) WITH (fillfactor = 80);
CREATE INDEX credit_return_of_line ON lending.credit_return (customer_id, line_id);
-- A return is looked up by its number alone when somebody reads the reference off a statement.
CREATE INDEX credit_return_number ON lending.credit_return (return_id);

CREATE TYPE lending.line_v2 AS (
    customer_id bigint, line_id bigint, application_id bigint, product_code text,
    product_version integer, lender_id text, currency text, status text, limit_minor bigint,
    rate_daily_e8 integer, repayment_day smallint, opened_on date, valid_to date, version bigint,
    own_cap_minor bigint, principal_minor bigint, held_minor bigint, credit_minor bigint,
    frozen_until date, status_reason text, next_cap_minor bigint, next_cap_on date,
    day_changed_on date, day_changes smallint, returning_minor bigint
);

CREATE TYPE lending.line_change_v2 AS (
    customer_id bigint, line_id bigint, stored_version bigint, status text, limit_minor bigint,
    own_cap_minor bigint, principal_minor bigint, held_minor bigint, credit_minor bigint,
    repayment_day smallint, frozen_until date, status_reason text, next_cap_minor bigint,
    next_cap_on date, day_changed_on date, day_changes smallint, version bigint,
    returning_minor bigint
);

CREATE TYPE lending.credit_return_key_v1 AS (customer_id bigint, return_id bigint);

CREATE TYPE lending.credit_return_v1 AS (
    customer_id bigint, return_id bigint, line_id bigint, amount_minor bigint, currency text,
    payee_ref text, requested_on date, status text, value_date date, rail_reference text,
    failure_code text, settled_on date
);
