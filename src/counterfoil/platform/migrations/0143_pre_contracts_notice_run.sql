-- Notices of a change to all lines of a product, given as one act of two people.
SET LOCAL lock_timeout = '3s';

CREATE TABLE contracts.notice_run (
    run_id            bigint      NOT NULL,
    -- Of what two people agreed to: the same is carried out once.
    payload_sha256    bytea       NOT NULL,
    product_code      text        NOT NULL,
    -- Lines under this version of the product alone; null for all of its lines.
    of_version        integer,
    effective_on      date        NOT NULL,
    -- What is offered; null leaves it as each line has it.
    product_version   integer,
    rate_daily_e8     integer,
    reason            text        NOT NULL,
    asked_by          text        NOT NULL,
    approved_by       text        NOT NULL,
    approval_id       bigint      NOT NULL,
    started_at        timestamptz NOT NULL,
    -- How many lines there were to look at when it began, and when it ended.
    lines_before      bigint      NOT NULL,
    lines_after       bigint,
    finished_at       timestamptz,
    -- The last line looked at; every line up to it has its row.
    done_customer_id  bigint      NOT NULL DEFAULT 0,
    done_line_id      bigint      NOT NULL DEFAULT 0,
    CONSTRAINT notice_run_pkey PRIMARY KEY (run_id),
    CONSTRAINT notice_run_once UNIQUE (payload_sha256),
    CONSTRAINT notice_run_by_two CHECK (asked_by <> approved_by),
    CONSTRAINT notice_run_end_is_whole CHECK ((lines_after IS NULL) = (finished_at IS NULL))
);
CREATE INDEX notice_run_unfinished ON contracts.notice_run (run_id) WHERE finished_at IS NULL;

-- What became of each line: a contract that was prepared, or why it was passed over.
CREATE TABLE contracts.notice_run_line (
    customer_id  bigint NOT NULL,
    run_id       bigint NOT NULL,
    line_id      bigint NOT NULL,
    contract_id  bigint,
    passed_over  text,
    CONSTRAINT notice_run_line_pkey PRIMARY KEY (customer_id, run_id, line_id),
    CONSTRAINT notice_run_line_has_one_end CHECK ((contract_id IS NULL) <> (passed_over IS NULL))
);
CREATE INDEX notice_run_line_of_run ON contracts.notice_run_line (run_id, passed_over);
