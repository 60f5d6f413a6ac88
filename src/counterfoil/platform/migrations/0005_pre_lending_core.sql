-- Credit lines, loans, instalments that fell due, and the transactions a loan is the fold of.
SET LOCAL lock_timeout = '3s';

CREATE SCHEMA IF NOT EXISTS lending;

CREATE TABLE lending.credit_line (
    customer_id      bigint   NOT NULL,
    line_id          bigint   NOT NULL,
    application_id   bigint   NOT NULL,
    product_code     text     NOT NULL,
    product_version  integer  NOT NULL,
    lender_id        text     NOT NULL,
    currency         char(3)  NOT NULL,
    status           text     NOT NULL,
    limit_minor      bigint   NOT NULL,
    own_cap_minor    bigint,
    principal_minor  bigint   NOT NULL DEFAULT 0,
    held_minor       bigint   NOT NULL DEFAULT 0,
    credit_minor     bigint   NOT NULL DEFAULT 0,
    rate_daily_e8    integer  NOT NULL,
    repayment_day    smallint NOT NULL,
    opened_on        date     NOT NULL,
    valid_to         date     NOT NULL,
    frozen_until     date,
    status_reason    text,
    next_cap_minor   bigint,
    next_cap_on      date,
    day_changed_on   date,
    day_changes      smallint NOT NULL DEFAULT 0,
    version          bigint   NOT NULL DEFAULT 1,
    PRIMARY KEY (customer_id, line_id),
    CONSTRAINT line_status_known CHECK (status IN ('active', 'frozen', 'suspended', 'closed')),
    CONSTRAINT line_amounts_not_negative CHECK (
        limit_minor >= 0 AND principal_minor >= 0 AND held_minor >= 0 AND credit_minor >= 0
        AND (own_cap_minor IS NULL OR own_cap_minor >= 0)),
    CONSTRAINT line_closed_is_empty CHECK (
        status <> 'closed' OR (principal_minor = 0 AND held_minor = 0)),
    CONSTRAINT line_rate_not_negative CHECK (rate_daily_e8 >= 0),
    CONSTRAINT line_repayment_day_in_month CHECK (repayment_day BETWEEN 1 AND 28)
) WITH (fillfactor = 80);

-- What may still be drawn is never below zero: a hold may grow only inside the limit and the
-- customer's own cap. Lowering a limit below the amount used is allowed; holding more is not.
CREATE FUNCTION lending.refuse_hold_above_limit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'insufficient_limit' USING ERRCODE = 'check_violation',
        CONSTRAINT = 'insufficient_limit', TABLE = 'credit_line', SCHEMA = 'lending';
END $$;
CREATE TRIGGER insufficient_limit BEFORE UPDATE ON lending.credit_line
FOR EACH ROW WHEN (
    NEW.held_minor > OLD.held_minor
    AND NEW.principal_minor + NEW.held_minor
        > least(NEW.limit_minor, coalesce(NEW.own_cap_minor, NEW.limit_minor)))
EXECUTE FUNCTION lending.refuse_hold_above_limit();

CREATE TABLE lending.loan (
    customer_id            bigint   NOT NULL,
    loan_id                bigint   NOT NULL,
    line_id                bigint   NOT NULL,
    product_code           text     NOT NULL,
    product_version        integer  NOT NULL,
    lender_id              text     NOT NULL,
    currency               char(3)  NOT NULL,
    method                 text     NOT NULL,
    purpose                text     NOT NULL,
    payee_ref              text     NOT NULL,
    cost_sheet_hash        bytea    NOT NULL,
    original_minor         bigint   NOT NULL,
    rate_daily_e8          integer  NOT NULL,
    penalty_daily_e8       integer  NOT NULL,
    grace_days             smallint NOT NULL,
    tenor_months           smallint NOT NULL,
    repayment_day          smallint NOT NULL,
    requested_on           date     NOT NULL,
    status                 text     NOT NULL DEFAULT 'pending',
    start_date             date,
    first_due_date         date,
    maturity_date          date,
    closed_on              date,
    principal_minor        bigint   NOT NULL DEFAULT 0,
    due_principal_minor    bigint   NOT NULL DEFAULT 0,
    penal_principal_minor  bigint   NOT NULL DEFAULT 0,
    due_interest_minor     bigint   NOT NULL DEFAULT 0,
    accrued_interest_e8    bigint   NOT NULL DEFAULT 0,
    accrued_penalty_e8     bigint   NOT NULL DEFAULT 0,
    accrued_to             date,
    instalment_minor       bigint   NOT NULL DEFAULT 0,
    advance_minor          bigint   NOT NULL DEFAULT 0,
    next_instalment_no     smallint NOT NULL DEFAULT 1,
    next_due_date          date,
    next_event_on          date,
    oldest_due_date        date,
    bucket                 smallint NOT NULL DEFAULT 0,
    interest_paid_minor    bigint   NOT NULL DEFAULT 0,
    penalty_paid_minor     bigint   NOT NULL DEFAULT 0,
    last_sequence          integer  NOT NULL DEFAULT 0,
    version                bigint   NOT NULL DEFAULT 1,
    PRIMARY KEY (customer_id, loan_id),
    FOREIGN KEY (customer_id, line_id) REFERENCES lending.credit_line,
    CONSTRAINT loan_status_known CHECK (status IN ('pending', 'open', 'closed', 'cancelled')),
    CONSTRAINT loan_method_known CHECK (method IN (
        'level_instalment', 'level_principal', 'interest_only', 'bullet', 'any_time')),
    CONSTRAINT loan_principal_in_bounds CHECK (
        original_minor > 0 AND principal_minor BETWEEN 0 AND original_minor
        AND due_principal_minor BETWEEN 0 AND principal_minor
        AND penal_principal_minor BETWEEN 0 AND due_principal_minor
        AND due_interest_minor >= 0 AND advance_minor >= 0),
    CONSTRAINT loan_closed_is_zero CHECK (
        status NOT IN ('closed', 'cancelled') OR (principal_minor = 0 AND due_interest_minor = 0
        AND accrued_interest_e8 = 0 AND accrued_penalty_e8 = 0)),
    CONSTRAINT loan_open_has_dates CHECK (
        status <> 'open' OR (start_date IS NOT NULL AND accrued_to IS NOT NULL
        AND maturity_date IS NOT NULL AND principal_minor + due_interest_minor >= 0))
) WITH (fillfactor = 75);
CREATE INDEX loan_next_event ON lending.loan (next_event_on, customer_id, loan_id)
    WHERE status = 'open';

CREATE TABLE lending.instalment (
    customer_id           bigint   NOT NULL,
    loan_id               bigint   NOT NULL,
    instalment_no         smallint NOT NULL,
    due_date              date     NOT NULL,
    principal_minor       bigint   NOT NULL,
    interest_minor        bigint   NOT NULL,
    principal_paid_minor  bigint   NOT NULL DEFAULT 0,
    interest_paid_minor   bigint   NOT NULL DEFAULT 0,
    penal                 boolean  NOT NULL DEFAULT false,
    settled_on            date,
    PRIMARY KEY (customer_id, loan_id, instalment_no),
    FOREIGN KEY (customer_id, loan_id) REFERENCES lending.loan,
    CONSTRAINT instalment_paid_within_due CHECK (
        principal_paid_minor BETWEEN 0 AND principal_minor
        AND interest_paid_minor BETWEEN 0 AND interest_minor),
    CONSTRAINT instalment_settled_is_paid CHECK (
        settled_on IS NULL
        OR (principal_paid_minor = principal_minor AND interest_paid_minor = interest_minor))
) WITH (fillfactor = 80);

CREATE TABLE lending.loan_transaction (
    customer_id      bigint      NOT NULL,
    transaction_id   bigint      NOT NULL,
    loan_id          bigint      NOT NULL,
    line_id          bigint      NOT NULL,
    sequence         integer     NOT NULL,
    kind             text        NOT NULL,
    value_date       date        NOT NULL,
    book_date        date        NOT NULL,
    posted_at        timestamptz NOT NULL,
    amount_minor     bigint      NOT NULL,
    principal_minor  bigint      NOT NULL,
    interest_minor   bigint      NOT NULL,
    penalty_minor    bigint      NOT NULL,
    excess_minor     bigint      NOT NULL,
    mode             text        NOT NULL,
    repayment_id     bigint,
    relates_to       bigint,
    channel          text        NOT NULL,
    reason           text,
    idempotency_key  text        NOT NULL,
    PRIMARY KEY (customer_id, transaction_id),
    CONSTRAINT transaction_order_unique UNIQUE (customer_id, loan_id, sequence),
    FOREIGN KEY (customer_id, loan_id) REFERENCES lending.loan,
    CONSTRAINT transaction_kind_known CHECK (kind IN (
        'disbursement', 'repayment', 'reversal', 'reallocation')),
    CONSTRAINT transaction_parts_add_up CHECK (
        amount_minor = principal_minor + interest_minor + penalty_minor + excess_minor)
);

-- The history of a line: limits, states, settings. Append-only.
CREATE TABLE lending.line_event (
    customer_id      bigint      NOT NULL,
    line_id          bigint      NOT NULL,
    version          bigint      NOT NULL,
    kind             text        NOT NULL,
    before_value     text,
    after_value      text,
    reason           text        NOT NULL,
    author           text        NOT NULL,
    book_date        date        NOT NULL,
    at               timestamptz NOT NULL,
    idempotency_key  text        NOT NULL,
    PRIMARY KEY (customer_id, line_id, version)
);

-- One row for each step of each closed day; the marker that makes a close resumable.
CREATE TABLE lending.close_step (
    business_date  date        NOT NULL,
    step           text        NOT NULL,
    started_at     timestamptz NOT NULL,
    finished_at    timestamptz,
    examined       bigint      NOT NULL DEFAULT 0,
    touched        bigint      NOT NULL DEFAULT 0,
    detail         text,
    PRIMARY KEY (business_date, step)
);

-- What the whole book had accrued at the end of a day, by product, lender, bucket.
CREATE TABLE lending.accrual_day (
    business_date           date     NOT NULL,
    lender_id               text     NOT NULL,
    product_code            text     NOT NULL,
    currency                char(3)  NOT NULL,
    bucket                  smallint NOT NULL,
    loans                   bigint   NOT NULL,
    principal_minor         bigint   NOT NULL,
    interest_receivable_e8  numeric  NOT NULL,
    penalty_receivable_e8   numeric  NOT NULL,
    PRIMARY KEY (business_date, lender_id, product_code, currency, bucket)
);

CREATE TYPE lending.line_key_v1 AS (customer_id bigint, line_id bigint);
CREATE TYPE lending.loan_key_v1 AS (customer_id bigint, loan_id bigint);

CREATE TYPE lending.line_v1 AS (
    customer_id bigint, line_id bigint, application_id bigint, product_code text,
    product_version integer, lender_id text, currency text, status text, limit_minor bigint,
    rate_daily_e8 integer, repayment_day smallint, opened_on date, valid_to date, version bigint,
    own_cap_minor bigint, principal_minor bigint, held_minor bigint, credit_minor bigint,
    frozen_until date, status_reason text, next_cap_minor bigint, next_cap_on date,
    day_changed_on date, day_changes smallint
);

CREATE TYPE lending.line_change_v1 AS (
    customer_id bigint, line_id bigint, stored_version bigint, status text, limit_minor bigint,
    own_cap_minor bigint, principal_minor bigint, held_minor bigint, credit_minor bigint,
    repayment_day smallint, frozen_until date, status_reason text, next_cap_minor bigint,
    next_cap_on date, day_changed_on date, day_changes smallint, version bigint
);

CREATE TYPE lending.loan_v1 AS (
    customer_id bigint, loan_id bigint, line_id bigint, product_code text,
    product_version integer, lender_id text, currency text, method text, purpose text,
    payee_ref text, cost_sheet_hash bytea, original_minor bigint, rate_daily_e8 integer,
    penalty_daily_e8 integer, grace_days smallint, tenor_months smallint,
    repayment_day smallint, requested_on date
);

CREATE TYPE lending.loan_change_v1 AS (
    customer_id bigint, loan_id bigint, status text, start_date date, first_due_date date,
    maturity_date date, closed_on date, principal_minor bigint, due_principal_minor bigint,
    penal_principal_minor bigint, due_interest_minor bigint, accrued_interest_e8 bigint,
    accrued_penalty_e8 bigint, accrued_to date, instalment_minor bigint, advance_minor bigint,
    next_instalment_no smallint, next_due_date date, next_event_on date, oldest_due_date date,
    bucket smallint, interest_paid_minor bigint, penalty_paid_minor bigint,
    last_sequence integer, version bigint
);

CREATE TYPE lending.instalment_key_v1 AS (
    customer_id bigint, loan_id bigint, instalment_no smallint
);

CREATE TYPE lending.instalment_v1 AS (
    customer_id bigint, loan_id bigint, instalment_no smallint, due_date date,
    principal_minor bigint, interest_minor bigint, principal_paid_minor bigint,
    interest_paid_minor bigint, penal boolean, settled_on date
);

CREATE TYPE lending.transaction_v1 AS (
    customer_id bigint, transaction_id bigint, loan_id bigint, line_id bigint,
    sequence integer, kind text, value_date date, book_date date, posted_at timestamptz,
    amount_minor bigint, principal_minor bigint, interest_minor bigint, penalty_minor bigint,
    excess_minor bigint, mode text, repayment_id bigint, relates_to bigint, channel text,
    reason text, idempotency_key text
);

CREATE TYPE lending.line_event_v1 AS (
    customer_id bigint, line_id bigint, version bigint, kind text, before_value text,
    after_value text, reason text, author text, book_date date, at timestamptz,
    idempotency_key text
);
