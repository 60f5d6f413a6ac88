-- Repayment capacity: account statements, what follows from them, what customers state, and the
-- debts that reports show.
SET LOCAL lock_timeout = '3s';

CREATE SCHEMA IF NOT EXISTS capacity;

-- Statements are personal data under a purpose of their own.
ALTER TABLE privacy.data_key DROP CONSTRAINT data_key_purpose_is_known;
ALTER TABLE privacy.data_key ADD CONSTRAINT data_key_purpose_is_known CHECK (purpose IN (
    'identity', 'contact', 'payout', 'evidence', 'report', 'subject', 'contract', 'statement'
)) NOT VALID;

CREATE FUNCTION capacity.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is only added to, never changed or removed',
        TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'CF003';
END $$;

-- One account over one span. The file itself is sealed; nothing is left of it but its row when its
-- data life is over. Instants are POSIX seconds by the real clock.
CREATE TABLE capacity.statement (
    customer_id      bigint  NOT NULL,
    statement_id     bigint  NOT NULL,
    consent_id       bigint  NOT NULL,
    use_no           integer NOT NULL,
    form             text    NOT NULL,
    -- Keyed by the customer's own key: the same account is known again and nothing else is.
    account_digest   bytea   NOT NULL,
    file_sha256      bytea   NOT NULL,
    currency         char(3) NOT NULL,
    first_date       date    NOT NULL,
    last_date        date    NOT NULL,
    lines_count      integer NOT NULL,
    -- Counts and amounts by category, canonical JSON; no text of any line.
    categories       text    NOT NULL,
    rules_version    text    NOT NULL,
    brought_by       text    NOT NULL,
    received_at      bigint  NOT NULL,
    expires_at       bigint  NOT NULL,
    sealed           bytea,
    erased_at        bigint,
    CONSTRAINT statement_pkey PRIMARY KEY (customer_id, statement_id),
    CONSTRAINT statement_form_is_known CHECK (form IN ('csv', 'camt.053')),
    CONSTRAINT statement_has_a_span CHECK (last_date >= first_date),
    CONSTRAINT statement_has_a_life CHECK (expires_at >= received_at),
    CONSTRAINT statement_is_there_or_erased CHECK ((sealed IS NULL) = (erased_at IS NOT NULL)),
    CONSTRAINT statement_hashes CHECK (
        octet_length(file_sha256) = 32 AND octet_length(account_digest) = 32
    )
);
-- The same span of the same account is kept once, whoever brings it at the same time.
CREATE UNIQUE INDEX statement_duplicate
    ON capacity.statement (customer_id, account_digest, first_date, last_date)
    WHERE erased_at IS NULL;
CREATE INDEX statement_expiring ON capacity.statement (expires_at, customer_id, statement_id)
    WHERE erased_at IS NULL;

-- What an account's months add up to; they go with their statement.
CREATE TABLE capacity.statement_month (
    customer_id          bigint  NOT NULL,
    statement_id         bigint  NOT NULL,
    month                date    NOT NULL,
    is_whole             boolean NOT NULL,
    income_minor         bigint  NOT NULL,
    debt_minor           bigint  NOT NULL,
    living_minor         bigint  NOT NULL,
    borrowed_minor       bigint  NOT NULL,
    moved_minor          bigint  NOT NULL,
    uncategorised_minor  bigint  NOT NULL,
    CONSTRAINT statement_month_pkey PRIMARY KEY (customer_id, statement_id, month),
    CONSTRAINT statement_month_of_a_statement FOREIGN KEY (customer_id, statement_id)
        REFERENCES capacity.statement (customer_id, statement_id),
    CONSTRAINT statement_month_is_a_month CHECK (extract(day FROM month) = 1),
    CONSTRAINT statement_month_adds_up CHECK (
        least(income_minor, debt_minor, living_minor, borrowed_minor, uncategorised_minor) >= 0
        AND moved_minor
            >= income_minor + debt_minor + living_minor + borrowed_minor + uncategorised_minor
    )
);

-- What customers state of themselves; the latest counts.
CREATE TABLE capacity.declaration (
    customer_id               bigint      NOT NULL,
    declaration_id            bigint      NOT NULL,
    -- Where an income is stated: the consent to its use.
    consent_id                bigint,
    income_monthly_minor      bigint,
    documented_monthly_minor  bigint,
    region                    text,
    dependants                smallint    NOT NULL,
    debt_monthly_minor        bigint,
    lenders_count             integer,
    -- Debts one by one, canonical JSON; NULL where the customer was not asked for all of them.
    debts                     text,
    stated_on                 date        NOT NULL,
    stated_at                 timestamptz NOT NULL,
    taken_by                  text        NOT NULL,
    CONSTRAINT declaration_pkey PRIMARY KEY (customer_id, declaration_id),
    CONSTRAINT declaration_of_income_is_agreed CHECK (
        consent_id IS NOT NULL
        OR (income_monthly_minor IS NULL AND documented_monthly_minor IS NULL)
    ),
    CONSTRAINT declaration_amounts CHECK (
        income_monthly_minor >= 0 AND documented_monthly_minor >= 0 AND debt_monthly_minor >= 0
        AND lenders_count >= 0 AND dependants BETWEEN 0 AND 12
    )
);
CREATE TRIGGER declaration_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON capacity.declaration
FOR EACH STATEMENT EXECUTE FUNCTION capacity.refuse_change();

-- Debts and searches of a report, for as long as the report itself may be kept. Institutions stand
-- under a digest: no other lender has a name here.
CREATE TABLE capacity.reported_debts (
    customer_id  bigint NOT NULL,
    report_id    bigint NOT NULL,
    consent_id   bigint NOT NULL,
    purpose      text   NOT NULL,
    made_on      date   NOT NULL,
    debts        text   NOT NULL,
    searches     text   NOT NULL,
    received_at  bigint NOT NULL,
    expires_at   bigint NOT NULL,
    CONSTRAINT reported_debts_pkey PRIMARY KEY (customer_id, report_id)
);
CREATE INDEX reported_debts_expiring ON capacity.reported_debts (expires_at);

-- Rows as they are written, many at once.
CREATE TYPE capacity.reported_debts_v1 AS (
    customer_id bigint, report_id bigint, consent_id bigint, purpose text, made_on date,
    debts text, searches text, received_at bigint, expires_at bigint
);
CREATE TYPE capacity.statement_month_v1 AS (
    customer_id bigint, statement_id bigint, month date, is_whole boolean, income_minor bigint,
    debt_minor bigint, living_minor bigint, borrowed_minor bigint, moved_minor bigint,
    uncategorised_minor bigint
);
