-- Mandates and the debits under them.

-- name: add_mandate
-- A mandate that the customer has confirmed.
-- gives   nothing
-- locks   nothing
INSERT INTO payments.mandate (
    customer_id, mandate_id, line_id, account_ref, template, language, text_sha256, starts_on,
    ends_on, signed_at)
VALUES (
    :customer_id, :mandate_id, :line_id, :account_ref, :template, :language, :text_sha256,
    :starts_on, :ends_on, :signed_at)
ON CONFLICT (customer_id, mandate_id) DO NOTHING;

-- name: revoke_mandate
-- Ends a mandate at once.
-- gives   one row where it was in force
-- locks   the mandate
UPDATE payments.mandate
SET revoked_at = :now, revoked_by = :by
WHERE customer_id = :customer_id AND mandate_id = :mandate_id AND revoked_at IS NULL
RETURNING 1;

-- name: mandate
-- One mandate of a customer.
-- gives   one row, or none
-- locks   none
SELECT m.customer_id, m.mandate_id, m.line_id, m.account_ref, m.template, m.language,
       m.text_sha256, m.starts_on, m.ends_on, m.signed_at, m.revoked_at, m.revoked_by
FROM payments.mandate AS m
WHERE m.customer_id = :customer_id AND m.mandate_id = :mandate_id;

-- name: mandates_of_customer
-- A customer's mandates, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT m.customer_id, m.mandate_id, m.line_id, m.account_ref, m.template, m.language,
       m.text_sha256, m.starts_on, m.ends_on, m.signed_at, m.revoked_at, m.revoked_by
FROM payments.mandate AS m
WHERE m.customer_id = :customer_id
  AND m.mandate_id < /*turns*/ :before
ORDER BY m.mandate_id DESC /*turns*/
LIMIT :page;

-- name: mandate_in_force
-- The mandate of a line that nobody has revoked.
-- gives   one row, or none
-- locks   none
SELECT m.customer_id, m.mandate_id, m.line_id, m.account_ref, m.template, m.language,
       m.text_sha256, m.starts_on, m.ends_on, m.signed_at, m.revoked_at, m.revoked_by
FROM payments.mandate AS m
WHERE m.customer_id = :customer_id AND m.line_id = :line_id AND m.revoked_at IS NULL;

-- name: mandates_after
-- Mandates that hold on a day, in the order of their numbers.
-- gives   at most :page rows after the number given
-- locks   none
SELECT m.customer_id, m.mandate_id, m.line_id, m.account_ref, m.template, m.language,
       m.text_sha256, m.starts_on, m.ends_on, m.signed_at, m.revoked_at, m.revoked_by
FROM payments.mandate AS m
WHERE m.mandate_id > :after AND m.revoked_at IS NULL
  AND m.starts_on <= :on_date AND m.ends_on >= :on_date
ORDER BY m.mandate_id
LIMIT :page;

-- name: presentations
-- How far presenting has come for a line and a due date.
-- gives   one row: the highest number made, and whether one is open or has brought the money
-- locks   none
SELECT coalesce(max(d.presentation_no), 0)::integer AS made,
       coalesce(bool_or(d.finished_at IS NULL), false) AS is_open
FROM payments.debit AS d
WHERE d.customer_id = :customer_id AND d.line_id = :line_id
  AND (d.due_on = :due_on OR d.finished_at IS NULL);

-- name: add_debit
-- A debit, ready to be sent; where one is open or was made for this presentation, none.
-- gives   one row where it is new
-- locks   nothing
INSERT INTO payments.debit (
    customer_id, debit_id, mandate_id, line_id, loan_id, lender_id, due_on, presentation_no,
    amount_minor, currency, account_ref, rail, business_date, status, next_act_at, created_at)
VALUES (
    :customer_id, :debit_id, :mandate_id, :line_id, :loan_id, :lender_id, :due_on,
    :presentation_no, :amount_minor, :currency, :account_ref, :rail, :business_date, 'created',
    :now, :now)
ON CONFLICT DO NOTHING
RETURNING 1;

-- name: lock_due
-- Debits with something to do now, longest waiting first.
-- gives   at most :page rows
-- locks   the debits; those that another worker holds are passed over
SELECT d.customer_id, d.debit_id, d.mandate_id, d.line_id, d.loan_id, d.lender_id, d.due_on,
       d.presentation_no, d.amount_minor, d.currency, d.account_ref, d.business_date, d.status,
       d.sends, d.asks, d.act_no, d.sent_at, d.is_not_seen, d.outcome, d.value_date,
       d.rail_reference, d.failure_code, d.bounced_on, d.bounce_booked_at
FROM payments.debit AS d
WHERE d.next_act_at <= :now AND d.rail = :rail
ORDER BY d.next_act_at, d.customer_id, d.debit_id
LIMIT :page
FOR UPDATE SKIP LOCKED;

-- name: record_act
-- Writes down what is about to be done, before it is done, and keeps others away meanwhile.
-- gives   nothing
-- locks   the debit, held already
UPDATE payments.debit
SET status = :status,
    amount_minor = :amount_minor,
    act_no = :act_no,
    sends = sends + (:act::text = 'send')::integer,
    asks = asks + (:act::text = 'ask')::integer,
    sent_at = CASE WHEN :act::text = 'send' THEN coalesce(sent_at, :now) ELSE sent_at END,
    sent_on = CASE WHEN :act::text = 'send' THEN :business_date ELSE sent_on END,
    is_not_seen = is_not_seen AND :act::text <> 'send',
    next_act_at = :leased_until
WHERE customer_id = :customer_id AND debit_id = :debit_id;

-- name: add_attempt
-- That the bank is about to be asked.
-- gives   nothing
-- locks   nothing
INSERT INTO payments.debit_attempt (customer_id, debit_id, act_no, act, worker, started_at)
VALUES (:customer_id, :debit_id, :act_no, :act, :worker, :now);

-- name: add_answer
-- What the bank said, whether or not it still matters.
-- gives   nothing
-- locks   nothing
INSERT INTO payments.debit_answer (customer_id, debit_id, act_no, answer, detail, received_at)
VALUES (:customer_id, :debit_id, :act_no, :answer, :detail, :now)
ON CONFLICT DO NOTHING;

-- name: apply_answer
-- Moves a debit by what the bank said, where the act that was answered is still the last one.
-- gives   one row where it moved
-- locks   the debit
UPDATE payments.debit
SET status = CASE WHEN :outcome::text IS NULL THEN 'unknown' ELSE status END,
    outcome = :outcome,
    value_date = :value_date,
    rail_reference = :rail_reference,
    failure_code = :failure_code,
    is_not_seen = :is_not_seen,
    suspended_at = CASE WHEN :cause::text IS NULL THEN NULL ELSE :now::timestamptz END,
    cause = :cause,
    next_act_at = :next_act_at
WHERE customer_id = :customer_id AND debit_id = :debit_id AND act_no = :act_no
  AND outcome IS NULL AND suspended_at IS NULL
RETURNING 1;

-- name: rest
-- A finished debit that was asked about: nothing more to do.
-- gives   nothing
-- locks   the debit
UPDATE payments.debit
SET next_act_at = NULL
WHERE customer_id = :customer_id AND debit_id = :debit_id AND finished_at IS NOT NULL;

-- name: note_bounce
-- The bank took a collected debit back, and the books are told next.
-- gives   nothing
-- locks   the debit
UPDATE payments.debit
SET bounced_on = :bounced_on, next_act_at = :now
WHERE customer_id = :customer_id AND debit_id = :debit_id
  AND outcome = 'succeeded' AND bounced_on IS NULL AND suspended_at IS NULL;

-- name: bounce_booked
-- The books took note of a bounced debit.
-- gives   one row where they had not before
-- locks   the debit
UPDATE payments.debit
SET bounce_booked_at = :now, next_act_at = NULL
WHERE customer_id = :customer_id AND debit_id = :debit_id
  AND bounced_on IS NOT NULL AND bounce_booked_at IS NULL
RETURNING 1;

-- name: bounce_by_statement
-- Collected debits that a statement shows as taken back, in the whole amount.
-- gives   the debits of which the books are told next
-- locks   the debits
UPDATE payments.debit AS d
SET bounced_on = l.value_date,
    next_act_at = :now
FROM payments.statement_line AS l
WHERE l.rail = :rail AND l.statement_date = :statement_date AND l.kind = 'returned'
  AND d.debit_id = l.payment_id AND d.rail = l.rail
  AND d.outcome = 'succeeded' AND d.bounced_on IS NULL AND d.suspended_at IS NULL
  AND d.amount_minor = l.amount_minor AND d.currency = l.currency
RETURNING d.customer_id, d.debit_id;

-- name: hint
-- Somebody says that something happened: ask sooner. One whose answer is being waited for, one
-- before people, and one that was hinted at too often are left alone.
-- gives   one row where it will be asked about
-- locks   the debit
UPDATE payments.debit
SET next_act_at = least(next_act_at, :now), hints = hints + 1
WHERE debit_id = :debit_id AND rail = :rail AND sends > 0
  AND status IN ('unknown', 'succeeded', 'failed') AND suspended_at IS NULL
  AND hints < :hints_max::smallint
RETURNING 1;

-- name: suspend
-- Only people can help.
-- gives   nothing
-- locks   the debit
UPDATE payments.debit
SET suspended_at = :now, cause = :cause, next_act_at = NULL
WHERE customer_id = :customer_id AND debit_id = :debit_id AND suspended_at IS NULL;

-- name: decide
-- What two people found out about a debit that lay before them.
-- gives   one row where it did
-- locks   the debit
UPDATE payments.debit
SET outcome = coalesce(outcome, :outcome), value_date = coalesce(value_date, :value_date),
    failure_code = CASE WHEN coalesce(outcome, :outcome) = 'failed'
        THEN coalesce(failure_code, 'decided_by_people') ELSE failure_code END,
    suspended_at = NULL, cause = NULL,
    next_act_at = CASE WHEN finished_at IS NULL THEN :now::timestamptz END
WHERE customer_id = :customer_id AND debit_id = :debit_id AND suspended_at IS NOT NULL
  AND coalesce(outcome, :outcome) = :outcome
RETURNING 1;

-- name: give_up
-- A debit that was never sent and never will be.
-- gives   nothing
-- locks   the debit, held already
UPDATE payments.debit
SET status = 'failed', outcome = 'failed', failure_code = :failure_code, finished_at = :now,
    next_act_at = NULL
WHERE customer_id = :customer_id AND debit_id = :debit_id AND status = 'created';

-- name: finish
-- A debit of whose outcome the books have taken note.
-- gives   one row where it was not finished
-- locks   the debit
UPDATE payments.debit
SET status = outcome, finished_at = :now,
    next_act_at = CASE WHEN bounced_on IS NOT NULL THEN :now::timestamptz END
WHERE customer_id = :customer_id AND debit_id = :debit_id
  AND outcome IS NOT NULL AND finished_at IS NULL
RETURNING 1;

-- name: resolve_by_statement
-- Debits in doubt that a statement shows in the ordered amount and not returned.
-- gives   one row a debit whose outcome is certain now
-- locks   the debits
UPDATE payments.debit AS d
SET outcome = 'succeeded', value_date = l.value_date, rail_reference = l.rail_reference,
    next_act_at = :now
FROM payments.statement_line AS l
WHERE l.rail = :rail AND l.statement_date = :statement_date AND l.kind = 'paid'
  AND d.debit_id = l.payment_id AND d.rail = l.rail
  AND d.status IN ('sent', 'unknown') AND d.outcome IS NULL AND d.suspended_at IS NULL
  AND d.amount_minor = l.amount_minor AND d.currency = l.currency
  AND NOT EXISTS (
      SELECT 1 FROM payments.statement_line AS r
      WHERE r.payment_id = d.debit_id AND r.rail = d.rail
        AND (r.kind = 'returned' OR (r.statement_date, r.line_no) < (l.statement_date, l.line_no)))
RETURNING d.customer_id, d.debit_id;

-- name: doubtful_by_statement
-- What a statement leaves for people: shown otherwise than ordered, of an earlier day and not shown
-- at all, and collected money that went back.
-- gives   customer, debit and cause
-- locks   none
SELECT d.customer_id, d.debit_id, 'wrong_amount' AS cause
FROM payments.debit AS d
WHERE d.rail = :rail AND d.outcome IS NULL AND d.status IN ('sent', 'unknown')
  AND d.suspended_at IS NULL AND d.sent_on <= :statement_date
  AND EXISTS (
      SELECT 1 FROM payments.statement_line AS l
      WHERE l.payment_id = d.debit_id AND l.rail = d.rail)
UNION ALL
SELECT d.customer_id, d.debit_id, 'not_on_statement'
FROM payments.debit AS d
WHERE d.rail = :rail AND d.outcome IS NULL AND d.status IN ('sent', 'unknown')
  AND d.suspended_at IS NULL AND d.sent_on < :statement_date
  AND NOT EXISTS (
      SELECT 1 FROM payments.statement_line AS l
      WHERE l.payment_id = d.debit_id AND l.rail = d.rail)
UNION ALL
SELECT d.customer_id, d.debit_id, 'late_reversal'
FROM payments.statement_line AS l
JOIN payments.debit AS d ON d.debit_id = l.payment_id AND d.rail = l.rail
WHERE l.rail = :rail AND l.statement_date = :statement_date AND l.kind = 'returned'
  AND d.outcome = 'succeeded' AND d.bounced_on IS NULL AND d.suspended_at IS NULL;

-- name: debits_of_customer
-- A customer's debits, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT d.debit_id, d.mandate_id, d.line_id, d.due_on, d.presentation_no, d.amount_minor,
       d.currency, d.status, d.outcome, d.value_date, d.failure_code, d.suspended_at, d.cause,
       d.created_at, d.finished_at
FROM payments.debit AS d
WHERE d.customer_id = :customer_id AND d.debit_id < /*turns*/ :before
  AND (:line_id::bigint IS NULL OR d.line_id = :line_id)
ORDER BY d.debit_id DESC /*turns*/
LIMIT :page;

-- name: suspended
-- Debits that lie before people, oldest first.
-- gives   at most :page rows
-- locks   none
SELECT d.customer_id, d.debit_id, d.line_id, d.amount_minor, d.currency, d.status, d.outcome,
       d.value_date, d.cause, d.suspended_at
FROM payments.debit AS d
WHERE d.suspended_at IS NOT NULL
ORDER BY d.suspended_at, d.debit_id
LIMIT :page;

-- name: debits_of_day
-- Debits that concern a day: collected for it, or sent on it and not certain, or on its statement,
-- and others that are asked for by number.
-- gives   all of them, in the order of their keys
-- locks   none
SELECT d.customer_id, d.debit_id, d.amount_minor, d.currency, d.status, d.bounced_on,
       d.bounce_booked_at
FROM payments.debit AS d
WHERE d.rail = :rail
  AND (d.value_date = :day
       OR d.bounced_on = :day
       OR (d.sent_on = :day AND d.value_date IS NULL)
       OR d.debit_id = ANY (:debit_ids::bigint[])
       OR d.debit_id IN (
           SELECT l.payment_id FROM payments.statement_line AS l
           WHERE l.rail = :rail AND l.statement_date = :day))
ORDER BY d.customer_id, d.debit_id;
