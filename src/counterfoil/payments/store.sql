-- name: add_payments
-- Payouts that the books ordered, ready to be sent; one that is there already is left alone.
-- gives   the payments that are new
-- locks   nothing
INSERT INTO payments.payment (
    customer_id, payment_id, direction, line_id, loan_id, lender_id, amount_minor, currency,
    payee_ref, rail, business_date, status, next_act_at, outcome, failure_code, created_at,
    subject)
SELECT o.customer_id, o.payment_id, 'out', o.line_id, o.loan_id, o.lender_id, o.amount_minor,
       o.currency, o.payee_ref, o.rail, o.business_date, 'held', :now::timestamptz,
       CASE WHEN o.failure_code IS NOT NULL THEN 'failed' END, o.failure_code, :now::timestamptz,
       o.subject
FROM unnest(
    :customer_ids::bigint[], :payment_ids::bigint[], :line_ids::bigint[], :loan_ids::bigint[],
    :lender_ids::text[], :amounts_minor::bigint[], :currencies::text[], :payee_refs::text[],
    :business_dates::date[], :failure_codes::text[], :subjects::text[], :rails::text[]
) AS o (customer_id, payment_id, line_id, loan_id, lender_id, amount_minor, currency, payee_ref,
        business_date, failure_code, subject, rail)
ON CONFLICT DO NOTHING
RETURNING customer_id, payment_id;

-- name: add_rejected_orders
-- Events that should have been orders and are not.
-- gives   nothing
-- locks   nothing
INSERT INTO payments.rejected_order (customer_id, event_id, subject_id, reason, rejected_at)
SELECT r.customer_id, r.event_id, r.subject_id, r.reason, :now::timestamptz
FROM unnest(
    :customer_ids::bigint[], :event_ids::bigint[], :subject_ids::bigint[], :reasons::text[]
) AS r (customer_id, event_id, subject_id, reason)
ON CONFLICT DO NOTHING;

-- name: lock_due
-- Payments with something to do now, longest waiting first: those of the rails that are reached,
-- and those that need none of them; with each whether its payee is known since a moment.
-- gives   at most :page rows
-- locks   the payments; those that another worker holds are passed over
SELECT customer_id, payment_id, line_id, loan_id, lender_id, amount_minor, currency, payee_ref,
       business_date, status, sends, asks, act_no, sent_at, is_not_seen, outcome, value_date,
       rail_reference, failure_code, subject, rail,
       sends = 0 AND EXISTS (
           SELECT 1 FROM payments.known_payee AS k
           WHERE k.customer_id = payment.customer_id AND k.payee_ref = payment.payee_ref
             AND k.said_at >= :known_since::timestamptz
             AND (k.is_own OR k.payment_id = payment.payment_id)) AS is_payee_known
FROM payments.payment
WHERE next_act_at <= :now::timestamptz
  AND (rail = ANY (:rails::text[]) OR (finished_at IS NULL AND (sends = 0 OR outcome IS NOT NULL)))
  AND direction = 'out'
ORDER BY next_act_at, customer_id, payment_id
LIMIT :page
FOR UPDATE SKIP LOCKED;

-- name: record_acts
-- Writes down what is about to be done, before it is done, and keeps others away until the lease
-- ends. Settling calls no rail and leaves no attempt.
-- gives   nothing
-- locks   the payments, held already
WITH act AS (
    SELECT a.customer_id, a.payment_id, a.act_no, a.act, a.status, a.reference, a.rail
    FROM unnest(
        :customer_ids::bigint[], :payment_ids::bigint[], :act_nos::integer[], :acts::text[],
        :statuses::text[], :references::text[], :rails::text[]
    ) AS a (customer_id, payment_id, act_no, act, status, reference, rail)
), moved AS (
    UPDATE payments.payment AS p
    SET status = act.status,
        rail = act.rail,
        act_no = act.act_no,
        sends = p.sends + (act.act = 'send')::integer,
        asks = p.asks + (act.act = 'ask')::integer,
        sent_at = CASE WHEN act.act = 'send'
            THEN coalesce(p.sent_at, :now::timestamptz) ELSE p.sent_at END,
        sent_on = CASE WHEN act.act = 'send' THEN :business_date::date ELSE p.sent_on END,
        is_not_seen = p.is_not_seen AND act.act <> 'send',
        next_act_at = :leased_until::timestamptz
    FROM act
    WHERE p.customer_id = act.customer_id AND p.payment_id = act.payment_id
)
INSERT INTO payments.payment_attempt (
    customer_id, payment_id, act_no, act, reference, worker, started_at)
SELECT act.customer_id, act.payment_id, act.act_no, act.act, act.reference, :worker::text,
       :now::timestamptz
FROM act
WHERE act.act <> 'settle';

-- name: postpone
-- Puts off payments that cannot be sent now.
-- gives   nothing
-- locks   the payments
UPDATE payments.payment AS p
SET next_act_at = k.next_act_at
FROM unnest(:customer_ids::bigint[], :payment_ids::bigint[], :next_act_ats::timestamptz[])
    AS k (customer_id, payment_id, next_act_at)
WHERE p.customer_id = k.customer_id AND p.payment_id = k.payment_id;

-- name: fail_unsent
-- Payments that were never sent and that no rail carries: they have failed, and the books are told.
-- gives   nothing
-- locks   the payments
UPDATE payments.payment AS p
SET outcome = 'failed', failure_code = k.failure_code, next_act_at = :now::timestamptz
FROM unnest(:customer_ids::bigint[], :payment_ids::bigint[], :failure_codes::text[])
    AS k (customer_id, payment_id, failure_code)
WHERE p.customer_id = k.customer_id AND p.payment_id = k.payment_id
  AND p.sends = 0 AND p.outcome IS NULL;

-- name: add_answers
-- What the rail said, whether or not it still matters.
-- gives   nothing
-- locks   nothing
INSERT INTO payments.payment_answer (
    customer_id, payment_id, act_no, answer, amount_minor, currency, value_date, rail_reference,
    detail, received_at)
SELECT a.customer_id, a.payment_id, a.act_no, a.answer, a.amount_minor, a.currency, a.value_date,
       a.rail_reference, a.detail, :now::timestamptz
FROM unnest(
    :customer_ids::bigint[], :payment_ids::bigint[], :act_nos::integer[], :answers::text[],
    :amounts_minor::bigint[], :currencies::text[], :value_dates::date[],
    :rail_references::text[], :details::text[]
) AS a (customer_id, payment_id, act_no, answer, amount_minor, currency, value_date,
        rail_reference, detail)
ON CONFLICT DO NOTHING;

-- name: add_known_payees
-- A rail said that the account of a payment is in the name that it must be in.
-- gives   nothing
-- locks   nothing
INSERT INTO payments.known_payee (customer_id, payment_id, payee_ref, rail, is_own, said_at)
SELECT p.customer_id, p.payment_id, p.payee_ref, k.rail, k.is_own, :now::timestamptz
FROM unnest(
    :customer_ids::bigint[], :payment_ids::bigint[], :rails::text[], :are_own::boolean[]
) AS k (customer_id, payment_id, rail, is_own)
JOIN payments.payment AS p USING (customer_id, payment_id)
ON CONFLICT DO NOTHING;

-- name: apply_answers
-- Moves payments by what the rail said, where the act that was answered is still the last one and
-- nothing became certain meanwhile.
-- gives   the payments that moved
-- locks   the payments
UPDATE payments.payment AS p
SET status = a.status,
    outcome = a.outcome,
    value_date = a.value_date,
    rail_reference = a.rail_reference,
    failure_code = a.failure_code,
    is_not_seen = a.is_not_seen,
    next_act_at = a.next_act_at
FROM unnest(
    :customer_ids::bigint[], :payment_ids::bigint[], :act_nos::integer[], :statuses::text[],
    :outcomes::text[], :value_dates::date[], :rail_references::text[], :failure_codes::text[],
    :not_seens::boolean[], :next_act_ats::timestamptz[]
) AS a (customer_id, payment_id, act_no, status, outcome, value_date, rail_reference,
        failure_code, is_not_seen, next_act_at)
WHERE p.customer_id = a.customer_id
  AND p.payment_id = a.payment_id
  AND p.act_no = a.act_no
  AND p.outcome IS NULL
  AND p.suspended_at IS NULL
RETURNING p.customer_id, p.payment_id;

-- name: rest
-- Finished payments that were checked: nothing more to do.
-- gives   nothing
-- locks   the payments
UPDATE payments.payment AS p
SET next_act_at = NULL
FROM unnest(:customer_ids::bigint[], :payment_ids::bigint[]) AS k (customer_id, payment_id)
WHERE p.customer_id = k.customer_id
  AND p.payment_id = k.payment_id
  AND p.status IN ('succeeded', 'failed');

-- name: finish
-- Payments of whose outcome the books have taken note.
-- gives   nothing
-- locks   the payments
UPDATE payments.payment AS p
SET status = p.outcome, finished_at = :now::timestamptz, next_act_at = NULL
FROM unnest(:customer_ids::bigint[], :payment_ids::bigint[]) AS k (customer_id, payment_id)
WHERE p.customer_id = k.customer_id
  AND p.payment_id = k.payment_id
  AND p.outcome IS NOT NULL
  AND p.finished_at IS NULL;

-- name: hint
-- Somebody says that something happened: ask sooner. A payment whose answer is being waited for,
-- one before two people, and one that was hinted at too often are left alone.
-- gives   the payment, if it will be asked about
-- locks   the payment
UPDATE payments.payment
SET next_act_at = least(next_act_at, :now::timestamptz), hints = hints + 1
WHERE payment_id = :payment_id
  AND direction = 'out'
  AND status IN ('unknown', 'succeeded', 'failed')
  AND suspended_at IS NULL
  AND sends > 0
  AND hints < :hints_max::smallint
RETURNING customer_id, payment_id;

-- name: add_statement
-- A rail's statement of a day, once.
-- gives   one row where it is new
-- locks   nothing
INSERT INTO payments.statement (rail, statement_date, sha256, line_count, taken_at)
VALUES (
    :rail::text, :statement_date::date, :sha256::text, :line_count::integer, :now::timestamptz)
ON CONFLICT (rail, statement_date) DO NOTHING
RETURNING rail;

-- name: statement_sha256
-- Check sum of the statement that was taken for a day.
-- gives   one row, or none
-- locks   none
SELECT sha256 FROM payments.statement
WHERE rail = :rail::text AND statement_date = :statement_date::date;

-- name: add_statement_lines
-- The lines of a statement, numbered as in the file.
-- gives   nothing
-- locks   nothing
INSERT INTO payments.statement_line (
    rail, statement_date, line_no, reference, payment_id, kind, amount_minor, currency,
    value_date, rail_reference, account, payer_digest)
SELECT :rail::text, :statement_date::date, l.line_no, l.reference, l.payment_id, l.kind,
       l.amount_minor, l.currency, l.value_date, l.rail_reference, l.account, l.payer_digest
FROM unnest(
    :references::text[], :payment_ids::bigint[], :kinds::text[], :amounts_minor::bigint[],
    :currencies::text[], :value_dates::date[], :rail_references::text[], :accounts::text[],
    :payer_digests::bytea[]
) WITH ORDINALITY AS l (reference, payment_id, kind, amount_minor, currency, value_date,
                        rail_reference, account, payer_digest, line_no);

-- name: resolve_paid
-- Payments in doubt that the statement shows as paid, in the ordered amount and not returned.
-- gives   the payments whose outcome is certain now
-- locks   the payments
UPDATE payments.payment AS p
SET outcome = 'succeeded', value_date = l.value_date, rail_reference = l.rail_reference,
    next_act_at = :now::timestamptz
FROM payments.statement_line AS l
WHERE l.rail = :rail::text
  AND l.statement_date = :statement_date::date
  AND l.kind = 'paid'
  AND p.payment_id = l.payment_id
  AND p.rail = l.rail
  AND p.direction = 'out'
  AND p.status IN ('sent', 'unknown')
  AND p.outcome IS NULL
  AND p.suspended_at IS NULL
  AND p.amount_minor = l.amount_minor
  AND p.currency = l.currency
  AND NOT EXISTS (
      SELECT 1 FROM payments.statement_line AS r
      WHERE r.payment_id = p.payment_id AND r.rail = p.rail
        AND r.kind <> 'fee'
        AND (r.kind = 'returned' OR (r.statement_date, r.line_no) < (l.statement_date, l.line_no)))
RETURNING p.customer_id, p.payment_id;

-- name: doubtful_by_statement
-- What a statement leaves for people: doubts it shows otherwise than ordered, doubts of earlier
-- days it does not show at all, finished payments it shows as returned, and those it contradicts:
-- failed and shown as paid, or succeeded days ago and never shown. A contradiction is put before
-- people once.
-- gives   customer, payment and cause
-- locks   none
SELECT p.customer_id, p.payment_id, 'wrong_amount' AS cause
FROM payments.payment AS p
WHERE p.finished_at IS NULL AND p.rail = :rail::text AND p.outcome IS NULL
  AND p.status IN ('sent', 'unknown')
  AND p.suspended_at IS NULL AND p.sent_on <= :statement_date::date
  AND EXISTS (
      SELECT 1 FROM payments.statement_line AS l
      WHERE l.payment_id = p.payment_id AND l.rail = p.rail AND l.kind <> 'fee')
UNION ALL
SELECT p.customer_id, p.payment_id, 'not_on_statement'
FROM payments.payment AS p
WHERE p.finished_at IS NULL AND p.rail = :rail::text AND p.outcome IS NULL
  AND p.status IN ('sent', 'unknown')
  AND p.suspended_at IS NULL AND p.sent_on < :statement_date::date
  AND NOT EXISTS (
      SELECT 1 FROM payments.statement_line AS l
      WHERE l.payment_id = p.payment_id AND l.rail = p.rail AND l.kind <> 'fee')
UNION ALL
SELECT p.customer_id, p.payment_id, 'late_reversal'
FROM payments.statement_line AS l
JOIN payments.payment AS p ON p.payment_id = l.payment_id AND p.rail = l.rail
WHERE l.rail = :rail::text AND l.statement_date = :statement_date::date AND l.kind = 'returned'
  AND p.outcome = 'succeeded'
UNION ALL
SELECT p.customer_id, p.payment_id, 'contradiction'
FROM payments.payment AS p
WHERE p.rail = :rail::text AND p.direction = 'out' AND p.outcome IS NOT NULL
  AND p.sent_on <= :statement_date::date
  AND ((p.outcome = 'failed' AND EXISTS (
           SELECT 1 FROM payments.statement_line AS l
           WHERE l.payment_id = p.payment_id AND l.rail = p.rail AND l.kind = 'paid'
             AND l.statement_date = :statement_date::date)
        AND NOT EXISTS (
           SELECT 1 FROM payments.statement_line AS l
           WHERE l.payment_id = p.payment_id AND l.rail = p.rail AND l.kind = 'returned'))
    OR (p.outcome = 'succeeded' AND p.value_date < :statement_date::date
        AND p.value_date >= :statement_date::date - :days_back::integer
        AND EXISTS (
           SELECT 1 FROM payments.statement AS f
           WHERE f.rail = p.rail AND f.statement_date = p.value_date)
        AND NOT EXISTS (
           SELECT 1 FROM payments.statement_line AS l
           WHERE l.payment_id = p.payment_id AND l.rail = p.rail AND l.kind = 'paid')))
  AND NOT EXISTS (
      SELECT 1 FROM payments.suspense AS s
      WHERE s.customer_id = p.customer_id AND s.payment_id = p.payment_id
        AND s.cause IN ('contradiction', 'not_on_statement', 'wrong_amount'));

-- name: payment
-- One payment of a customer.
-- gives   one row, or none
-- locks   none
SELECT customer_id, payment_id, direction, line_id, loan_id, lender_id, amount_minor, currency,
       payee_ref, rail, business_date, status, sends, asks, act_no, sent_at, sent_on, is_not_seen,
       next_act_at, suspended_at, outcome, value_date, rail_reference, failure_code, created_at,
       finished_at, subject
FROM payments.payment
WHERE customer_id = :customer_id AND payment_id = :payment_id;

-- name: attempts
-- Everything that was asked of the rail for one payment, and what it said.
-- gives   all attempts of the payment in order; an answer of NULL never came
-- locks   none
SELECT t.act_no, t.act, t.reference, t.worker, t.started_at, a.answer, a.amount_minor, a.currency,
       a.value_date, a.rail_reference, a.detail, a.received_at
FROM payments.payment_attempt AS t
LEFT JOIN payments.payment_answer AS a USING (customer_id, payment_id, act_no)
WHERE t.customer_id = :customer_id AND t.payment_id = :payment_id
ORDER BY t.act_no;

-- name: counts_by_status
-- How many payouts stand where, for the day's overview.
-- gives   a row per state
-- locks   none
SELECT status, count(*) AS payments, sum(amount_minor)::bigint AS amount_minor,
       count(*) FILTER (WHERE suspended_at IS NOT NULL) AS suspended
FROM payments.payment
WHERE direction = 'out'
GROUP BY status
ORDER BY status;
