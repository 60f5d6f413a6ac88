-- When lines are looked at again, and the record that a review reads of them.

-- name: lines_due
-- Lines whose review is due.
-- gives   at most :page rows after the key given, in the order of their keys
-- locks   none
SELECT d.customer_id, d.line_id, d.cause
FROM lending.review_due AS d
WHERE d.next_review_on <= :business_date
ORDER BY d.next_review_on, d.customer_id, d.line_id
LIMIT :page;

-- name: lines_brought_forward
-- Lines whose review an event has brought forward.
-- gives   at most :page rows, those that wait longest first
-- locks   none
SELECT d.customer_id, d.line_id, d.cause
FROM lending.review_due AS d
WHERE d.next_review_on <= :business_date AND d.cause <> 'periodic'
ORDER BY d.next_review_on, d.customer_id, d.line_id
LIMIT :page;

-- name: hold_due
-- Lines that a run takes in hand, so that another leaves them alone; those that are still due.
-- gives   the rows of the keys that nobody else holds
-- locks   the rows
SELECT d.customer_id, d.line_id, d.cause, d.next_review_on
FROM lending.review_due AS d
JOIN unnest(:keys::lending.line_key_v1[]) AS k
  ON k.customer_id = d.customer_id AND k.line_id = d.line_id
ORDER BY d.customer_id, d.line_id
FOR UPDATE OF d SKIP LOCKED;

-- name: plan_reviews
-- The next day of review of lines that were looked at.
-- gives   nothing
-- locks   the rows
UPDATE lending.review_due AS d
SET next_review_on = given.next_review_on, cause = given.cause, is_watched = given.is_watched
FROM unnest(
    :customer_ids::bigint[], :line_ids::bigint[], :next_review_on::date[], :causes::text[],
    :are_watched::boolean[]
) AS given (customer_id, line_id, next_review_on, cause, is_watched)
WHERE d.customer_id = given.customer_id AND d.line_id = given.line_id;

-- name: bring_forward
-- A line that something was told of; a review that is due already has its own cause.
-- gives   nothing
-- locks   the row
UPDATE lending.review_due AS d
SET next_review_on = :business_date, cause = :cause
WHERE d.customer_id = :customer_id AND d.line_id = :line_id AND d.next_review_on > :business_date;

-- name: drop_reviews
-- Lines that are looked at no more: they are closed.
-- gives   nothing
-- locks   the rows
DELETE FROM lending.review_due AS d
USING unnest(:keys::lending.line_key_v1[]) AS k
WHERE d.customer_id = k.customer_id AND d.line_id = k.line_id;

-- name: mark_late
-- Of lines on which something happens today, those on which something is newly late: past its
-- grace, or for one, two, three months.
-- gives   one row a line that was brought forward
-- locks   the rows
UPDATE lending.review_due AS d
SET next_review_on = :business_date, cause = 'instalment_missed'
FROM unnest(:keys::lending.line_key_v1[]) AS k
WHERE d.customer_id = k.customer_id AND d.line_id = k.line_id
  AND d.next_review_on > :business_date
  AND EXISTS (
      SELECT 1
      FROM lending.loan AS o
      WHERE o.customer_id = k.customer_id AND o.line_id = k.line_id AND o.status = 'open'
        AND :business_date::date - o.oldest_due_date IN (o.grace_days + 1, 31, 61, 91))
RETURNING 1;

-- name: mark_cured
-- Suspended lines on which nothing is unpaid any more.
-- gives   one row a line that was brought forward
-- locks   the rows
UPDATE lending.review_due AS d
SET next_review_on = :business_date, cause = 'cured'
FROM lending.credit_line AS l
WHERE d.is_watched AND d.cause <> 'cured' AND d.next_review_on > :business_date
  AND l.customer_id = d.customer_id AND l.line_id = d.line_id AND l.status = 'suspended'
  AND NOT EXISTS (
      SELECT 1
      FROM lending.loan AS o
      WHERE o.customer_id = d.customer_id AND o.line_id = d.line_id AND o.status = 'open'
        AND o.oldest_due_date IS NOT NULL)
RETURNING 1;

-- name: instalments_of_reviewed
-- Instalments that fell due on the loans of lines.
-- gives   the rows of the lines
-- locks   none
SELECT o.customer_id, o.line_id, i.due_date, i.settled_on, o.grace_days, i.principal_minor
FROM unnest(:keys::lending.line_key_v1[]) AS k
JOIN lending.loan AS o ON o.customer_id = k.customer_id AND o.line_id = k.line_id
JOIN lending.instalment AS i ON i.customer_id = o.customer_id AND i.loan_id = o.loan_id
ORDER BY o.customer_id, o.loan_id, i.instalment_no;

-- name: repaid_of_reviewed
-- How many loans of lines were repaid in full.
-- gives   one row a line that has any
-- locks   none
SELECT o.customer_id, o.line_id, count(*) AS loans
FROM unnest(:keys::lending.line_key_v1[]) AS k
JOIN lending.loan AS o ON o.customer_id = k.customer_id AND o.line_id = k.line_id
WHERE o.status = 'closed'
GROUP BY o.customer_id, o.line_id;

-- name: limits_of_reviewed
-- Limits of lines as they were set.
-- gives   the rows of the lines, oldest first
-- locks   none
SELECT e.customer_id, e.line_id, e.book_date, e.kind, e.before_value, e.after_value, e.reason
FROM unnest(:keys::lending.line_key_v1[]) AS k
JOIN lending.line_event AS e ON e.customer_id = k.customer_id AND e.line_id = k.line_id
WHERE e.kind IN ('opened', 'limit_raised', 'limit_lowered', 'limit_restored')
ORDER BY e.customer_id, e.line_id, e.version;

-- name: flows_of_reviewed
-- What the principal of lines' loans changed by, day by day after a date.
-- gives   one row a line and day
-- locks   none
SELECT t.customer_id, t.line_id, t.book_date, sum(t.principal_minor)::bigint AS principal_minor
FROM unnest(:keys::lending.line_key_v1[]) AS k
JOIN lending.loan_transaction AS t ON t.customer_id = k.customer_id AND t.line_id = k.line_id
WHERE t.book_date > :since
GROUP BY t.customer_id, t.line_id, t.book_date;
