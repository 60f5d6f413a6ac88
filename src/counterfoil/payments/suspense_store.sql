-- name: open_cases
-- Puts payments before two people; an open case of the same cause stays as it is.
-- gives   nothing
-- locks   the payments
WITH wanted AS (
    SELECT DISTINCT w.customer_id, w.payment_id, w.cause
    FROM unnest(:customer_ids::bigint[], :payment_ids::bigint[], :causes::text[])
        AS w (customer_id, payment_id, cause)
), stopped AS (
    UPDATE payments.payment AS p
    SET suspended_at = coalesce(p.suspended_at, :now::timestamptz), next_act_at = NULL
    FROM wanted AS w
    WHERE p.customer_id = w.customer_id AND p.payment_id = w.payment_id
)
INSERT INTO payments.suspense (customer_id, payment_id, case_no, cause, opened_at)
SELECT w.customer_id, w.payment_id,
       coalesce((SELECT max(s.case_no) FROM payments.suspense AS s
                 WHERE s.customer_id = w.customer_id AND s.payment_id = w.payment_id), 0)
       + row_number() OVER (PARTITION BY w.customer_id, w.payment_id ORDER BY w.cause),
       w.cause, :now::timestamptz
FROM wanted AS w
ON CONFLICT (customer_id, payment_id, cause) WHERE approved_at IS NULL DO NOTHING;

-- name: open_suspense
-- Cases that wait for people, the oldest payment first.
-- gives   at most :page rows, after the key given
-- turns   is read to both sides of its key
-- locks   none
SELECT s.customer_id, s.payment_id, s.case_no, s.cause, s.opened_at, s.resolution, s.note,
       s.first_person, s.proposed_at, s.value_date, s.returned_minor, p.status, p.amount_minor,
       p.currency, p.loan_id, p.sent_on, p.rail, p.subject
FROM payments.suspense AS s
JOIN payments.payment AS p USING (customer_id, payment_id)
WHERE s.approved_at IS NULL
  AND (s.payment_id, s.case_no) > /*turns*/ (:payment_id::bigint, :case_no::bigint)
ORDER BY s.payment_id ASC /*turns*/, s.case_no ASC /*turns*/
LIMIT :page;

-- name: lock_case
-- One open case with its payment.
-- gives   one row, or none where no such case is open
-- locks   the case and the payment
SELECT s.case_no, s.cause, s.resolution, s.value_date, s.returned_minor, s.note, s.first_person,
       p.status, p.outcome, p.sends, p.amount_minor, p.currency, p.subject,
       (SELECT coalesce(sum(o.returned_minor), 0)::bigint FROM payments.suspense AS o
        WHERE o.customer_id = s.customer_id AND o.payment_id = s.payment_id
          AND o.approved_at IS NOT NULL) AS returned_before_minor
FROM payments.suspense AS s
JOIN payments.payment AS p USING (customer_id, payment_id)
WHERE s.customer_id = :customer_id
  AND s.payment_id = :payment_id
  AND s.case_no = :case_no
  AND s.approved_at IS NULL
FOR UPDATE;

-- name: propose
-- One person's proposal how a case is to be resolved; it replaces an earlier one.
-- gives   nothing
-- locks   the case
UPDATE payments.suspense
SET resolution = :resolution::text, value_date = :value_date,
    returned_minor = :returned_minor, note = :note::text,
    first_person = :person::text, proposed_at = :now::timestamptz
WHERE customer_id = :customer_id AND payment_id = :payment_id AND case_no = :case_no
  AND approved_at IS NULL;

-- name: approve
-- Another person's approval.
-- gives   nothing
-- locks   the case
UPDATE payments.suspense
SET second_person = :person::text, approved_at = :now::timestamptz
WHERE customer_id = :customer_id AND payment_id = :payment_id AND case_no = :case_no
  AND approved_at IS NULL;

-- name: decide_payment
-- What two people decided becomes the payment's outcome, and the books are told next.
-- gives   nothing
-- locks   the payment
UPDATE payments.payment
SET outcome = :outcome::text,
    value_date = coalesce(value_date, :value_date::date),
    rail_reference = CASE WHEN :outcome::text = 'succeeded'
        THEN coalesce(rail_reference, concat('case ', :case_no::smallint)) ELSE rail_reference END,
    failure_code = CASE WHEN :outcome::text = 'failed'
        THEN coalesce(failure_code, 'decided_in_suspense') ELSE failure_code END,
    next_act_at = :now::timestamptz
WHERE customer_id = :customer_id AND payment_id = :payment_id AND finished_at IS NULL;

-- name: leave_suspense
-- Ends a payment's suspension once none of its cases is open.
-- gives   nothing
-- locks   the payment
UPDATE payments.payment AS p
SET suspended_at = NULL
WHERE p.customer_id = :customer_id
  AND p.payment_id = :payment_id
  AND NOT EXISTS (
      SELECT 1 FROM payments.suspense AS s
      WHERE s.customer_id = p.customer_id AND s.payment_id = p.payment_id
        AND s.approved_at IS NULL);

-- name: returns_to_carry_out
-- Returns that two people approved and that the books do not know of yet.
-- gives   at most :page rows, oldest first
-- locks   none
SELECT s.customer_id, s.payment_id, s.case_no, s.value_date, s.returned_minor, s.note,
       p.subject, p.line_id, p.loan_id, p.amount_minor, p.currency,
       coalesce(p.rail_reference, '') AS rail_reference, p.value_date AS paid_on
FROM payments.suspense AS s
JOIN payments.payment AS p USING (customer_id, payment_id)
WHERE s.resolution = 'returned' AND s.approved_at IS NOT NULL AND s.carried_out_at IS NULL
ORDER BY s.approved_at, s.customer_id, s.payment_id
LIMIT :page;

-- name: carried_out
-- The books took note of a return.
-- gives   nothing
-- locks   the case
UPDATE payments.suspense
SET carried_out_at = :now::timestamptz
WHERE customer_id = :customer_id AND payment_id = :payment_id AND case_no = :case_no
  AND carried_out_at IS NULL;
