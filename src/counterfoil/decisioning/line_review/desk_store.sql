-- What reviews of lines leave to people.

-- name: open_cases
-- New cases; a line that has an open one gets none.
-- gives   the cases that were written
-- locks   none but its rows
INSERT INTO decisioning.line_review_case (
    customer_id, case_id, line_id, review_id, proposals, opened_at, due_on
)
SELECT given.customer_id, given.case_id, given.line_id, given.review_id,
       string_to_array(given.proposals, ','), given.opened_at, given.due_on
FROM unnest(
    :customer_ids::bigint[], :case_ids::bigint[], :line_ids::bigint[], :review_ids::bigint[],
    :proposals::text[], :opened_at::timestamptz[], :due_on::date[]
) AS given (customer_id, case_id, line_id, review_id, proposals, opened_at, due_on)
ON CONFLICT DO NOTHING
RETURNING customer_id, case_id;

-- name: case_locked
-- One case, for whoever moves it on.
-- gives   at most one row
-- locks   the row
SELECT c.customer_id, c.case_id, c.line_id, c.review_id, c.proposals, c.opened_at, c.due_on,
       c.status, c.taken_by, c.taken_at, c.decision, c.to_minor, c.decided_by, c.agreed_by,
       c.reason, c.decided_at, c.measure_id
FROM decisioning.line_review_case AS c
WHERE c.customer_id = :customer_id AND c.case_id = :case_id
FOR UPDATE;

-- name: change_case
-- How a case moved on.
-- gives   nothing
-- locks   the row
UPDATE decisioning.line_review_case AS c
SET status = :status, taken_by = :taken_by, taken_at = :taken_at, decision = :decision,
    to_minor = :to_minor, decided_by = :decided_by, agreed_by = :agreed_by, reason = :reason,
    decided_at = :decided_at, measure_id = :measure_id
WHERE c.customer_id = :customer_id AND c.case_id = :case_id;

-- name: cases_waiting
-- Cases that wait for a person, the most urgent first.
-- gives   at most :page rows, after the key given
-- turns   is read to both sides of its key
-- locks   none
SELECT c.customer_id, c.case_id, c.line_id, c.review_id, c.proposals, c.opened_at, c.due_on,
       c.status, c.taken_by, c.taken_at, c.decision, c.to_minor, c.decided_by, c.agreed_by,
       c.reason, c.decided_at, c.measure_id
FROM decisioning.line_review_case AS c
WHERE c.status <> 'decided'
  AND (c.due_on, c.case_id) > /*turns*/ (:after_due_on::date, :after_case_id::bigint)
ORDER BY c.due_on ASC /*turns*/, c.case_id ASC /*turns*/
LIMIT :page;

-- name: cases_of_line
-- Cases about one line, newest first.
-- gives   at most :page rows
-- locks   none
SELECT c.customer_id, c.case_id, c.line_id, c.review_id, c.proposals, c.opened_at, c.due_on,
       c.status, c.taken_by, c.taken_at, c.decision, c.to_minor, c.decided_by, c.agreed_by,
       c.reason, c.decided_at, c.measure_id
FROM decisioning.line_review_case AS c
WHERE c.customer_id = :customer_id AND c.line_id = :line_id
ORDER BY c.case_id DESC
LIMIT :page;
