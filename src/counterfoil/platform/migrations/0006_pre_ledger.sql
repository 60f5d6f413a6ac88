-- Double entry, append-only. A journal is one row; its postings are parallel arrays, debits
-- positive and credits negative, so that "sums to zero" is a plain row constraint.
SET LOCAL lock_timeout = '3s';

CREATE SCHEMA IF NOT EXISTS ledger;

CREATE TABLE ledger.journal (
    customer_id     bigint      NOT NULL,
    journal_id      bigint      NOT NULL,
    lender_id       text        NOT NULL,
    currency        char(3)     NOT NULL,
    product_code    text        NOT NULL,
    book_date       date        NOT NULL,
    posted_at       timestamptz NOT NULL,
    kind            text        NOT NULL,
    loan_id         bigint,
    transaction_id  bigint,
    accounts        integer[]   NOT NULL,
    amounts         bigint[]    NOT NULL,
    PRIMARY KEY (customer_id, journal_id),
    CONSTRAINT journal_postings_bounded CHECK (
        cardinality(amounts) BETWEEN 2 AND 8 AND array_ndims(amounts) = 1),
    -- Written out instead of a function over unnest: the check runs for every journal.
    CONSTRAINT journal_sums_to_zero CHECK (
        amounts[1] + amounts[2] + coalesce(amounts[3], 0) + coalesce(amounts[4], 0)
        + coalesce(amounts[5], 0) + coalesce(amounts[6], 0) + coalesce(amounts[7], 0)
        + coalesce(amounts[8], 0) = 0),
    CONSTRAINT journal_no_empty_posting CHECK (0 <> ALL (amounts)),
    CONSTRAINT journal_account_per_amount CHECK (cardinality(accounts) = cardinality(amounts))
);
-- Journals arrive in the order of their dates, so a block-range index costs next to nothing.
CREATE INDEX journal_book_date ON ledger.journal USING brin (book_date) WITH (pages_per_range = 32);

CREATE TYPE ledger.journal_v1 AS (
    customer_id bigint, journal_id bigint, lender_id text, currency text, product_code text,
    book_date date, posted_at timestamptz, kind text, loan_id bigint, transaction_id bigint,
    accounts integer[], amounts bigint[]
);

-- Sums of a closed book date. Nothing may be booked into a closed date, so they are final.
CREATE TABLE ledger.day_balance (
    book_date     date    NOT NULL,
    lender_id     text    NOT NULL,
    currency      char(3) NOT NULL,
    product_code  text    NOT NULL,
    account       integer NOT NULL,
    debit_minor   bigint  NOT NULL,
    credit_minor  bigint  NOT NULL,
    journals      bigint  NOT NULL,
    PRIMARY KEY (book_date, lender_id, currency, product_code, account)
);

CREATE VIEW ledger.posting AS
SELECT j.customer_id, j.journal_id, j.lender_id, j.currency, j.product_code, j.book_date,
       j.posted_at, j.kind, j.loan_id, j.transaction_id, p.position::integer AS position,
       p.account, p.amount AS amount_minor,
       greatest(p.amount, 0) AS debit_minor, greatest(-p.amount, 0) AS credit_minor
FROM ledger.journal AS j
CROSS JOIN LATERAL unnest(j.accounts, j.amounts) WITH ORDINALITY AS p (account, amount, position);

CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a posted journal is never changed or removed';
END $$;
CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON ledger.journal
FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
