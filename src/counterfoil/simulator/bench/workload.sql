-- name: add_lines
-- Active lines for the workload, their customers numbered from one.
-- gives   nothing
-- locks   nothing
INSERT INTO lending.credit_line (
    customer_id, line_id, application_id, product_code, product_version, lender_id, currency,
    status, limit_minor, rate_daily_e8, repayment_day, opened_on, valid_to, contract_id,
    agreement_sha256)
SELECT n, n, n, :product_code::text, :product_version::integer, :lender_id::text,
       :currency::text, 'active', :limit_minor::bigint, :rate_daily_e8::integer,
       1 + n % 28, :opened_on::date, :valid_to::date, n, decode(repeat('00', 32), 'hex')
FROM generate_series(1, :count::bigint) AS g (n);

-- name: add_open_loans
-- Open loans for the workload, all started on one date: :loans of them for each of the first
-- customers, one for each of the others.
-- gives   nothing
-- locks   nothing
INSERT INTO lending.loan (
    customer_id, loan_id, line_id, product_code, product_version, lender_id, currency, method,
    purpose, payee_ref, cost_sheet_hash, original_minor, rate_daily_e8, penalty_daily_e8,
    grace_days, tenor_months, repayment_day, requested_on, status, start_date, first_due_date,
    maturity_date, principal_minor, accrued_to, instalment_minor, next_due_date, next_event_on,
    last_sequence)
SELECT l.customer_id, l.customer_id * 1000 + k, l.line_id, l.product_code, l.product_version,
       l.lender_id, l.currency, 'level_instalment', 'travel', 'bench', decode(repeat('00', 32), 'hex'),
       :amount_minor::bigint, l.rate_daily_e8, l.rate_daily_e8 / 2, 3, 12, l.repayment_day,
       l.opened_on, 'open', l.opened_on, f.first_due, (f.first_due + interval '11 months')::date,
       :amount_minor::bigint, l.opened_on, :instalment_minor::bigint, f.first_due, f.first_due, 1
FROM lending.credit_line AS l
CROSS JOIN generate_series(
    1, CASE WHEN l.customer_id <= :several_to::bigint THEN :loans::integer ELSE 1 END) AS g (k)
CROSS JOIN LATERAL (
    SELECT :first_due_from::date + (l.repayment_day - 1) AS first_due) AS f
WHERE l.customer_id <= :customers::bigint;

-- name: add_disbursements
-- The transaction by which each of those loans began.
-- gives   nothing
-- locks   nothing
INSERT INTO lending.loan_transaction (
    customer_id, transaction_id, loan_id, line_id, sequence, kind, value_date, book_date,
    posted_at, amount_minor, principal_minor, interest_minor, penalty_minor, excess_minor, mode,
    channel, idempotency_key)
SELECT o.customer_id, o.loan_id, o.loan_id, o.line_id, 1, 'disbursement', o.start_date,
       o.start_date, :posted_at::timestamptz, o.original_minor, o.original_minor, 0, 0, 0,
       'next_instalment', 'bench', 'bench'
FROM lending.loan AS o
WHERE o.status = 'open';

-- name: add_disbursement_journals
-- The journals of those disbursements.
-- gives   nothing
-- locks   nothing
INSERT INTO ledger.journal (
    customer_id, journal_id, lender_id, currency, product_code, book_date, posted_at, kind,
    loan_id, transaction_id, accounts, amounts)
SELECT o.customer_id, o.loan_id, o.lender_id, o.currency, o.product_code, :book_date::date,
       :posted_at::timestamptz, 'disbursement', o.loan_id, o.loan_id, ARRAY[1301, 1002],
       ARRAY[o.original_minor, -o.original_minor]
FROM lending.loan AS o
WHERE o.status = 'open';

-- name: take_up_lines
-- Brings the lines to what their loans owe.
-- gives   nothing
-- locks   the lines
UPDATE lending.credit_line AS l
SET principal_minor = s.principal_minor
FROM (
    SELECT o.customer_id, o.line_id, sum(o.principal_minor)::bigint AS principal_minor
    FROM lending.loan AS o
    WHERE o.status = 'open'
    GROUP BY o.customer_id, o.line_id
) AS s
WHERE l.customer_id = s.customer_id AND l.line_id = s.line_id;

-- name: plan_reviews
-- The days on which the lines are reviewed: those whose number leaves no rest on one day, all others
-- on another.
-- gives   nothing
-- locks   what waits for review
UPDATE lending.review_due
SET next_review_on = CASE WHEN line_id % :share::integer = 0 THEN :first_on::date
                          ELSE :others_on::date END;

-- name: verdict
-- Whether the books hold together after a run.
-- gives   one row; every difference has to be zero
-- locks   none
SELECT
    (SELECT coalesce(sum(u.a), 0)::bigint FROM ledger.journal AS j, unnest(j.amounts) AS u (a))
        AS ledger_difference_minor,
    (SELECT count(*) FROM lending.credit_line AS l
     LEFT JOIN (
         SELECT o.customer_id, o.line_id,
                sum(o.principal_minor) FILTER (WHERE o.status = 'open') AS principal_minor,
                sum(o.original_minor) FILTER (WHERE o.status = 'pending') AS held_minor
         FROM lending.loan AS o GROUP BY o.customer_id, o.line_id
     ) AS s USING (customer_id, line_id)
     WHERE l.principal_minor <> coalesce(s.principal_minor, 0)
        OR l.held_minor <> coalesce(s.held_minor, 0)) AS lines_off,
    (SELECT count(*) FROM platform.command) AS commands,
    (SELECT count(*) FROM evidence.leaf_staged) AS leaves,
    (SELECT count(*) FROM platform.outbox) AS events,
    (SELECT coalesce(sum(l.version - 1), 0)::bigint FROM lending.credit_line AS l) AS versions;

-- name: sizes
-- Bytes of the tables that commands write, heap and indexes together.
-- gives   one row
-- locks   none
SELECT sum(pg_total_relation_size(c.oid))::bigint AS bytes
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND (n.nspname, c.relname) IN (
    ('lending', 'credit_line'), ('lending', 'loan'), ('lending', 'loan_transaction'),
    ('lending', 'instalment'), ('ledger', 'journal'), ('platform', 'command'),
    ('platform', 'outbox'), ('evidence', 'leaf_staged'));

-- name: wal_position
-- Where the write-ahead log stands, in bytes.
-- gives   one row
-- locks   none
SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS bytes;

-- name: durability
-- The settings that decide whether an acknowledged command survives.
-- gives   one row a setting
-- locks   none
SELECT s.name, s.setting
FROM pg_settings AS s
WHERE s.name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method',
                 'shared_buffers', 'autovacuum', 'max_wal_size', 'server_version')
ORDER BY s.name;

-- name: checkpoint
-- Starts a checkpoint, so that one lies inside the window that is measured.
-- gives   nothing
-- locks   none
CHECKPOINT;

-- name: add_database
-- A database for the yardsticks on the same server.
-- gives   nothing
-- locks   none
CREATE DATABASE yardsticks;

-- name: analyze
-- Brings the planner's statistics up to date after loading.
-- gives   nothing
-- locks   none
ANALYZE;

-- name: add_copy_table
-- A table like the journals', with the same indexes, for the yardstick of raw loading.
-- gives   nothing
-- locks   nothing
CREATE TABLE bench_journal (LIKE ledger.journal INCLUDING ALL);

-- name: empty_copy_table
-- Empties the yardstick's table.
-- gives   nothing
-- locks   the table
TRUNCATE bench_journal;

-- name: drop_copy_table
-- Removes the yardstick's table.
-- gives   nothing
-- locks   the table
DROP TABLE bench_journal;

-- name: some_leaves
-- Leaves of recorded repayments from all over the log.
-- gives   at most :count rows
-- locks   none
SELECT l.customer_id, l.leaf_id
FROM evidence.leaf AS l
JOIN platform.command AS c
  ON c.customer_id = l.customer_id AND c.idempotency_key = l.command_key
ORDER BY sha256(l.commitment)
LIMIT :count;

-- name: add_digests
-- Digests of made-up numbers in the blind index.
-- gives   nothing
-- locks   nothing
INSERT INTO privacy.blind_index (kind, digest, customer_id)
SELECT :kind::text, substr(sha256(n::text::bytea), 1, 16), n
FROM generate_series(1, :count::bigint) AS g (n);

-- name: fill_log
-- Write-ahead log of a number of megabytes that means nothing. A checkpoint afterwards keeps its
-- files for what is written next.
-- gives   one row for each
-- locks   nothing
SELECT pg_logical_emit_message(FALSE, 'fill', repeat('x', 1048576))
FROM generate_series(1, :megabytes::integer);

-- name: forget_checkpoints
-- Takes away what folds passed through, so that the next one begins at the loan's start.
-- gives   nothing
-- locks   the checkpoints
DELETE FROM lending.fold_checkpoint;
