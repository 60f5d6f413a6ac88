-- Notices to all lines of a product: the act, how far it has come, and what became of each line.

-- name: add_run
-- An act that two people agreed to.
-- locks   none but its row
INSERT INTO contracts.notice_run (
    run_id, payload_sha256, product_code, of_version, effective_on, product_version, rate_daily_e8,
    reason, asked_by, approved_by, approval_id, started_at, lines_before
) VALUES (
    :run_id, :payload_sha256, :product_code, :of_version, :effective_on, :product_version,
    :rate_daily_e8, :reason, :asked_by, :approved_by, :approval_id, :started_at, :lines_before
);

-- name: runs
-- Acts, newest first: all, one by what was agreed to, or those that are not finished.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT run_id, payload_sha256, product_code, of_version, effective_on, product_version,
       rate_daily_e8, reason, asked_by, approved_by, approval_id, started_at, lines_before,
       lines_after, finished_at, done_customer_id, done_line_id
FROM contracts.notice_run
WHERE (:payload_sha256::bytea IS NULL OR payload_sha256 = :payload_sha256)
  AND (NOT :is_unfinished::boolean OR finished_at IS NULL)
  AND run_id < /*turns*/ :before
ORDER BY run_id DESC /*turns*/
LIMIT :page;

-- name: outcomes
-- How many lines of an act were given notice, and how many passed over for which reason.
-- gives   one row for each outcome; its code is null for a notice
-- locks   none
SELECT passed_over, count(*) AS lines_count
FROM contracts.notice_run_line
WHERE run_id = :run_id
GROUP BY passed_over
ORDER BY passed_over NULLS FIRST;

-- name: hold_line
-- Lets one after the other look at a line.
-- locks   the line until the transaction ends
SELECT pg_advisory_xact_lock(hashtextextended(:customer_id::bigint || ':' || :line_id::bigint, 42));

-- name: is_looked_at
-- Whether a line has its outcome.
-- gives   one value
-- locks   none
SELECT EXISTS (
    SELECT FROM contracts.notice_run_line
    WHERE customer_id = :customer_id AND run_id = :run_id AND line_id = :line_id);

-- name: add_outcome
-- What became of a line.
-- locks   none but its row
INSERT INTO contracts.notice_run_line (customer_id, run_id, line_id, contract_id, passed_over)
VALUES (:customer_id, :run_id, :line_id, :contract_id, :passed_over);

-- name: move_on
-- Every line up to a key has its outcome; another process may have come further.
-- locks   its row
UPDATE contracts.notice_run
SET done_customer_id = :done_customer_id, done_line_id = :done_line_id
WHERE run_id = :run_id
  AND (done_customer_id, done_line_id) < (:done_customer_id::bigint, :done_line_id::bigint);

-- name: finish
-- Every line was looked at.
-- gives   one value where it was not finished before
-- locks   its row
UPDATE contracts.notice_run
SET lines_after = :lines_after, finished_at = :finished_at
WHERE run_id = :run_id AND finished_at IS NULL
RETURNING 1;
