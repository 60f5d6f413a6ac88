-- What a customer was given about a loan: cost sheets, and statements with their corrections.
--
-- Both are only ever added to: another plan makes another sheet, a correction another version.
SET LOCAL lock_timeout = '3s';

CREATE TABLE lending.cost_sheet (
    customer_id     bigint      NOT NULL,
    loan_id         bigint      NOT NULL,
    sheet_no        smallint    NOT NULL,
    cause           text        NOT NULL,
    -- The transaction that changed the plan; none for the sheet that was signed.
    transaction_id  bigint,
    language        text,
    read_ms         integer,
    sheet           text        NOT NULL,
    sheet_sha256    bytea       NOT NULL,
    before_sha256   bytea,
    difference      text,
    made_on         date        NOT NULL,
    made_at         timestamptz NOT NULL,
    CONSTRAINT cost_sheet_pkey PRIMARY KEY (customer_id, loan_id, sheet_no),
    CONSTRAINT cost_sheet_once_a_cause
        UNIQUE NULLS NOT DISTINCT (customer_id, loan_id, transaction_id),
    CONSTRAINT cost_sheet_of_a_loan FOREIGN KEY (customer_id, loan_id) REFERENCES lending.loan,
    CONSTRAINT cost_sheet_cause_known CHECK (cause IN (
        'drawdown', 'replan', 'redating', 'early_repayment')),
    CONSTRAINT cost_sheet_is_hashed CHECK (
        octet_length(sheet_sha256) = 32
        AND (cause = 'drawdown') = (transaction_id IS NULL)
        AND (cause = 'drawdown') = (difference IS NULL)
        AND (before_sha256 IS NULL) = (difference IS NULL))
);
CREATE TRIGGER cost_sheet_append_only BEFORE UPDATE OR DELETE ON lending.cost_sheet
FOR EACH STATEMENT EXECUTE FUNCTION lending.refuse_change();

CREATE TABLE lending.statement (
    customer_id       bigint      NOT NULL,
    line_id           bigint      NOT NULL,
    -- The first day of the month that it is of.
    month             date        NOT NULL,
    version_no        smallint    NOT NULL,
    reason            text        NOT NULL,
    -- The transaction that changed what was said before; none for the first version.
    cause_id          bigint,
    statement         text        NOT NULL,
    statement_sha256  bytea       NOT NULL,
    difference        text,
    made_on           date        NOT NULL,
    made_at           timestamptz NOT NULL,
    CONSTRAINT statement_pkey PRIMARY KEY (customer_id, line_id, month, version_no),
    CONSTRAINT statement_of_a_line FOREIGN KEY (customer_id, line_id)
        REFERENCES lending.credit_line,
    CONSTRAINT statement_of_a_month CHECK (extract(day FROM month) = 1),
    CONSTRAINT statement_says_what_changed CHECK (
        version_no > 0 AND octet_length(statement_sha256) = 32
        AND (version_no = 1) = (difference IS NULL) AND (version_no = 1) = (cause_id IS NULL))
);
CREATE TRIGGER statement_append_only BEFORE UPDATE OR DELETE ON lending.statement
FOR EACH STATEMENT EXECUTE FUNCTION lending.refuse_change();
