-- name: lines_of_keys
-- Credit lines by key; the order of the columns is that of the line's fields.
-- gives   at most one row a key
-- locks   none
SELECT l.customer_id, l.line_id, l.application_id, l.product_code, l.product_version, l.lender_id,
       l.currency, l.status, l.limit_minor, l.rate_daily_e8, l.repayment_day, l.opened_on,
       l.valid_to, l.version, l.own_cap_minor, l.principal_minor, l.held_minor, l.credit_minor,
       l.frozen_until, l.status_reason, l.next_cap_minor, l.next_cap_on, l.day_changed_on,
       l.day_changes, l.returning_minor, l.contract_id, l.agreement_sha256, l.agreed_limit_minor
FROM unnest(:keys::lending.line_key_v1[]) AS k
CROSS JOIN LATERAL (
    SELECT * FROM lending.credit_line AS c
    WHERE c.customer_id = k.customer_id AND c.line_id = k.line_id
    OFFSET 0) AS l;

-- name: running_loans_of_keys
-- Pending and open loans of lines; the order of the columns is that of the loan's fields.
-- gives   the loans of the lines, oldest first
-- locks   none
SELECT o.customer_id, o.loan_id, o.line_id, o.product_code, o.product_version, o.lender_id,
       o.currency, o.method, o.purpose, o.payee_ref, o.cost_sheet_hash, o.original_minor,
       o.rate_daily_e8, o.penalty_daily_e8, o.grace_days, o.tenor_months, o.repayment_day,
       o.requested_on, o.status, o.start_date, o.first_due_date, o.maturity_date, o.closed_on,
       o.principal_minor, o.due_principal_minor, o.penal_principal_minor, o.due_interest_minor,
       o.accrued_interest_e8, o.accrued_penalty_e8, o.accrued_to, o.instalment_minor,
       o.advance_minor, o.next_instalment_no, o.next_due_date, o.next_event_on, o.oldest_due_date,
       o.bucket, o.interest_paid_minor, o.penalty_paid_minor, o.last_sequence, o.version,
       o.contract_id, o.note_ref, o.note_sha256, o.fees, o.due_fee_minor, o.due_guarantee_minor,
       o.fee_paid_minor, o.guarantee_paid_minor, o.signed, o.sheet_read_ms
FROM unnest(:keys::lending.line_key_v1[]) AS k
CROSS JOIN LATERAL (
    SELECT * FROM lending.loan AS c
    WHERE c.customer_id = k.customer_id AND c.line_id = k.line_id
      AND c.status IN ('pending', 'open')
    OFFSET 0) AS o
ORDER BY o.customer_id, o.loan_id;

-- name: loans_of_repayments
-- Loans that a repayment was booked on, whatever their state.
-- gives   the loans, oldest first
-- locks   none
SELECT o.customer_id, o.loan_id, o.line_id, o.product_code, o.product_version, o.lender_id,
       o.currency, o.method, o.purpose, o.payee_ref, o.cost_sheet_hash, o.original_minor,
       o.rate_daily_e8, o.penalty_daily_e8, o.grace_days, o.tenor_months, o.repayment_day,
       o.requested_on, o.status, o.start_date, o.first_due_date, o.maturity_date, o.closed_on,
       o.principal_minor, o.due_principal_minor, o.penal_principal_minor, o.due_interest_minor,
       o.accrued_interest_e8, o.accrued_penalty_e8, o.accrued_to, o.instalment_minor,
       o.advance_minor, o.next_instalment_no, o.next_due_date, o.next_event_on, o.oldest_due_date,
       o.bucket, o.interest_paid_minor, o.penalty_paid_minor, o.last_sequence, o.version,
       o.contract_id, o.note_ref, o.note_sha256, o.fees, o.due_fee_minor, o.due_guarantee_minor,
       o.fee_paid_minor, o.guarantee_paid_minor, o.signed, o.sheet_read_ms
FROM lending.loan AS o
WHERE (o.customer_id, o.loan_id) IN (
    -- A repayment's number is lower than those of its transactions: what was booked before is
    -- not looked through.
    SELECT t.customer_id, t.loan_id
    FROM unnest(:customer_ids::bigint[], :repayment_ids::bigint[]) AS k (customer_id, repayment_id)
    CROSS JOIN LATERAL (
        SELECT c.customer_id, c.loan_id FROM lending.loan_transaction AS c
        WHERE c.customer_id = k.customer_id AND c.transaction_id > k.repayment_id
          AND c.repayment_id = k.repayment_id
        OFFSET 0) AS t)
ORDER BY o.customer_id, o.loan_id;

-- name: loans_of_keys
-- Loans by key, whatever their state.
-- gives   at most one row a key
-- locks   none
SELECT o.customer_id, o.loan_id, o.line_id, o.product_code, o.product_version, o.lender_id,
       o.currency, o.method, o.purpose, o.payee_ref, o.cost_sheet_hash, o.original_minor,
       o.rate_daily_e8, o.penalty_daily_e8, o.grace_days, o.tenor_months, o.repayment_day,
       o.requested_on, o.status, o.start_date, o.first_due_date, o.maturity_date, o.closed_on,
       o.principal_minor, o.due_principal_minor, o.penal_principal_minor, o.due_interest_minor,
       o.accrued_interest_e8, o.accrued_penalty_e8, o.accrued_to, o.instalment_minor,
       o.advance_minor, o.next_instalment_no, o.next_due_date, o.next_event_on, o.oldest_due_date,
       o.bucket, o.interest_paid_minor, o.penalty_paid_minor, o.last_sequence, o.version,
       o.contract_id, o.note_ref, o.note_sha256, o.fees, o.due_fee_minor, o.due_guarantee_minor,
       o.fee_paid_minor, o.guarantee_paid_minor, o.signed, o.sheet_read_ms
FROM unnest(:keys::lending.loan_key_v1[]) AS k
CROSS JOIN LATERAL (
    SELECT * FROM lending.loan AS c
    WHERE c.customer_id = k.customer_id AND c.loan_id = k.loan_id
    OFFSET 0) AS o;

-- name: loans_after
-- The loans of a customer, of a line, or of the whole book, in the order of their keys.
-- gives   at most :page rows after the key given
-- turns   is read to both sides of its key
-- locks   none
SELECT o.customer_id, o.loan_id, o.line_id, o.product_code, o.product_version, o.lender_id,
       o.currency, o.method, o.purpose, o.payee_ref, o.cost_sheet_hash, o.original_minor,
       o.rate_daily_e8, o.penalty_daily_e8, o.grace_days, o.tenor_months, o.repayment_day,
       o.requested_on, o.status, o.start_date, o.first_due_date, o.maturity_date, o.closed_on,
       o.principal_minor, o.due_principal_minor, o.penal_principal_minor, o.due_interest_minor,
       o.accrued_interest_e8, o.accrued_penalty_e8, o.accrued_to, o.instalment_minor,
       o.advance_minor, o.next_instalment_no, o.next_due_date, o.next_event_on, o.oldest_due_date,
       o.bucket, o.interest_paid_minor, o.penalty_paid_minor, o.last_sequence, o.version,
       o.contract_id, o.note_ref, o.note_sha256, o.fees, o.due_fee_minor, o.due_guarantee_minor,
       o.fee_paid_minor, o.guarantee_paid_minor, o.signed, o.sheet_read_ms
FROM lending.loan AS o
WHERE (o.customer_id, o.loan_id) > /*turns*/ (:after_customer_id, :after_loan_id)
  AND (:customer_id::bigint IS NULL OR o.customer_id = :customer_id)
  AND (:line_id::bigint IS NULL OR o.line_id = :line_id)
  AND (:status::text IS NULL OR o.status = :status)
  AND (:products::text[] IS NULL OR o.product_code = ANY (:products))
  AND (:lenders::text[] IS NULL OR o.lender_id = ANY (:lenders))
ORDER BY o.customer_id ASC /*turns*/, o.loan_id ASC /*turns*/
LIMIT :page;

-- name: lines_after
-- The lines of a customer or of the whole book, in the order of their keys.
-- gives   at most :page rows after the key given
-- turns   is read to both sides of its key
-- locks   none
SELECT l.customer_id, l.line_id, l.application_id, l.product_code, l.product_version, l.lender_id,
       l.currency, l.status, l.limit_minor, l.rate_daily_e8, l.repayment_day, l.opened_on,
       l.valid_to, l.version, l.own_cap_minor, l.principal_minor, l.held_minor, l.credit_minor,
       l.frozen_until, l.status_reason, l.next_cap_minor, l.next_cap_on, l.day_changed_on,
       l.day_changes, l.returning_minor, l.contract_id, l.agreement_sha256, l.agreed_limit_minor
FROM lending.credit_line AS l
WHERE (l.customer_id, l.line_id) > /*turns*/ (:after_customer_id, :after_line_id)
  AND (:customer_id::bigint IS NULL OR l.customer_id = :customer_id)
  AND (:status::text IS NULL OR l.status = :status)
  AND (:products::text[] IS NULL OR l.product_code = ANY (:products))
  AND (:lenders::text[] IS NULL OR l.lender_id = ANY (:lenders))
ORDER BY l.customer_id ASC /*turns*/, l.line_id ASC /*turns*/
LIMIT :page;

-- name: open_dues_of_loans
-- Instalments that fell due and are not settled.
-- gives   the rows of the loans, oldest first
-- locks   none
SELECT i.customer_id, i.loan_id, i.instalment_no, i.due_date, i.principal_minor, i.interest_minor,
       i.principal_paid_minor, i.interest_paid_minor, i.penal, i.settled_on, i.fee_minor,
       i.guarantee_minor, i.fee_paid_minor, i.guarantee_paid_minor
FROM unnest(:keys::lending.loan_key_v1[]) AS k
CROSS JOIN LATERAL (
    SELECT * FROM lending.instalment AS c
    WHERE c.customer_id = k.customer_id AND c.loan_id = k.loan_id AND c.settled_on IS NULL
    OFFSET 0) AS i
ORDER BY i.customer_id, i.loan_id, i.instalment_no;

-- name: instalments_of_loan
-- All instalments of a loan that have fallen due.
-- gives   the rows, oldest first
-- locks   none
SELECT i.customer_id, i.loan_id, i.instalment_no, i.due_date, i.principal_minor, i.interest_minor,
       i.principal_paid_minor, i.interest_paid_minor, i.penal, i.settled_on, i.fee_minor,
       i.guarantee_minor, i.fee_paid_minor, i.guarantee_paid_minor
FROM lending.instalment AS i
WHERE i.customer_id = :customer_id AND i.loan_id = :loan_id
ORDER BY i.instalment_no;

-- name: transactions_of_loans
-- The history of loans.
-- gives   the rows in the order in which they were booked
-- locks   none
SELECT t.customer_id, t.transaction_id, t.loan_id, t.sequence, t.kind, t.value_date, t.book_date,
       t.posted_at, t.amount_minor, t.principal_minor, t.interest_minor, t.penalty_minor,
       t.excess_minor, t.mode, t.repayment_id, t.relates_to, t.channel, t.reason, t.fee_minor,
       t.guarantee_minor, t.plan
FROM unnest(:keys::lending.loan_key_v1[]) AS k
CROSS JOIN LATERAL (
    SELECT * FROM lending.loan_transaction AS c
    WHERE c.customer_id = k.customer_id AND c.loan_id = k.loan_id
    OFFSET 0) AS t
ORDER BY t.customer_id, t.loan_id, t.sequence;

-- name: transactions_of_line
-- What happened to the loans of a line, for a statement.
-- gives   at most :page rows after the transaction given, in the order of booking
-- locks   none
SELECT t.customer_id, t.transaction_id, t.loan_id, t.sequence, t.kind, t.value_date, t.book_date,
       t.posted_at, t.amount_minor, t.principal_minor, t.interest_minor, t.penalty_minor,
       t.excess_minor, t.mode, t.repayment_id, t.relates_to, t.channel, t.reason, t.fee_minor,
       t.guarantee_minor, t.plan
FROM lending.loan_transaction AS t
WHERE t.customer_id = :customer_id AND t.line_id = :line_id
  AND t.book_date BETWEEN :from_date AND :to_date
  AND t.transaction_id > :after_transaction_id
ORDER BY t.transaction_id
LIMIT :page;

-- name: transactions_of_repayment
-- The loans' shares of one repayment, with what was reallocated or reversed since.
-- gives   the rows in the order of booking
-- locks   none
SELECT t.customer_id, t.transaction_id, t.loan_id, t.line_id, t.sequence, t.kind, t.value_date,
       t.book_date, t.posted_at, t.amount_minor, t.principal_minor, t.interest_minor,
       t.penalty_minor, t.excess_minor, t.mode, t.repayment_id, t.relates_to, t.channel, t.reason,
       t.fee_minor, t.guarantee_minor, t.plan
FROM lending.loan_transaction AS t
WHERE t.customer_id = :customer_id AND t.repayment_id = :repayment_id
ORDER BY t.transaction_id;

-- name: events_of_line
-- The history of a line: limits, states, settings.
-- gives   the rows, oldest first
-- locks   none
SELECT e.version, e.kind, e.before_value, e.after_value, e.reason, e.author, e.book_date, e.at
FROM lending.line_event AS e
WHERE e.customer_id = :customer_id AND e.line_id = :line_id
ORDER BY e.version;

-- name: add_lines
-- New credit lines.
-- gives   nothing
-- locks   nothing
INSERT INTO lending.credit_line (
    customer_id, line_id, application_id, product_code, product_version, lender_id, currency,
    status, limit_minor, rate_daily_e8, repayment_day, opened_on, valid_to, version,
    own_cap_minor, principal_minor, held_minor, credit_minor, frozen_until, status_reason,
    next_cap_minor, next_cap_on, day_changed_on, day_changes, returning_minor, contract_id,
    agreement_sha256, agreed_limit_minor)
SELECT r.customer_id, r.line_id, r.application_id, r.product_code, r.product_version, r.lender_id,
       r.currency, r.status, r.limit_minor, r.rate_daily_e8, r.repayment_day, r.opened_on,
       r.valid_to, r.version, r.own_cap_minor, r.principal_minor, r.held_minor, r.credit_minor,
       r.frozen_until, r.status_reason, r.next_cap_minor, r.next_cap_on, r.day_changed_on,
       r.day_changes, r.returning_minor, r.contract_id, r.agreement_sha256, r.agreed_limit_minor
FROM unnest(:rows::lending.line_v4[]) AS r;

-- name: change_lines
-- Changed credit lines, where nobody else has changed them since.
-- gives   one row a line that was changed
-- locks   the lines
UPDATE lending.credit_line AS l
SET status = r.status, limit_minor = r.limit_minor, own_cap_minor = r.own_cap_minor,
    principal_minor = r.principal_minor, held_minor = r.held_minor, credit_minor = r.credit_minor,
    repayment_day = r.repayment_day, frozen_until = r.frozen_until,
    status_reason = r.status_reason, next_cap_minor = r.next_cap_minor,
    next_cap_on = r.next_cap_on, day_changed_on = r.day_changed_on, day_changes = r.day_changes,
    version = r.version, returning_minor = r.returning_minor, contract_id = r.contract_id,
    agreement_sha256 = r.agreement_sha256, product_version = r.product_version
FROM unnest(:rows::lending.line_change_v4[]) AS r
CROSS JOIN LATERAL (
    SELECT c.ctid FROM lending.credit_line AS c
    WHERE c.customer_id = r.customer_id AND c.line_id = r.line_id
      AND c.version = r.stored_version
    OFFSET 0) AS at
WHERE l.ctid = at.ctid
RETURNING 1;

-- name: change_signed_lines
-- Changed credit lines of a batch in which a price or an agreed limit changed, where nobody else
-- has changed them since.
-- gives   one row a line that was changed
-- locks   the lines
UPDATE lending.credit_line AS l
SET status = r.status, limit_minor = r.limit_minor, own_cap_minor = r.own_cap_minor,
    principal_minor = r.principal_minor, held_minor = r.held_minor, credit_minor = r.credit_minor,
    repayment_day = r.repayment_day, frozen_until = r.frozen_until,
    status_reason = r.status_reason, next_cap_minor = r.next_cap_minor,
    next_cap_on = r.next_cap_on, day_changed_on = r.day_changed_on, day_changes = r.day_changes,
    version = r.version, returning_minor = r.returning_minor, contract_id = r.contract_id,
    agreement_sha256 = r.agreement_sha256, product_version = r.product_version,
    rate_daily_e8 = r.rate_daily_e8, agreed_limit_minor = r.agreed_limit_minor
FROM unnest(:rows::lending.line_change_v6[]) AS r
CROSS JOIN LATERAL (
    SELECT c.ctid FROM lending.credit_line AS c
    WHERE c.customer_id = r.customer_id AND c.line_id = r.line_id
      AND c.version = r.stored_version
    OFFSET 0) AS at
WHERE l.ctid = at.ctid
RETURNING 1;

-- name: add_loans
-- New loans, pending until their money has arrived.
-- gives   nothing
-- locks   nothing
INSERT INTO lending.loan (
    customer_id, loan_id, line_id, product_code, product_version, lender_id, currency, method,
    purpose, payee_ref, cost_sheet_hash, original_minor, rate_daily_e8, penalty_daily_e8,
    grace_days, tenor_months, repayment_day, requested_on, contract_id, note_ref, note_sha256,
    fees, sheet_read_ms)
SELECT r.customer_id, r.loan_id, r.line_id, r.product_code, r.product_version, r.lender_id,
       r.currency, r.method, r.purpose, r.payee_ref, r.cost_sheet_hash, r.original_minor,
       r.rate_daily_e8, r.penalty_daily_e8, r.grace_days, r.tenor_months, r.repayment_day,
       r.requested_on, r.contract_id, r.note_ref, r.note_sha256, r.fees, r.sheet_read_ms
FROM unnest(:rows::lending.loan_v3[]) AS r;

-- name: change_loans
-- Changed loans; their line's version guards them.
-- gives   one row a loan that was changed
-- locks   the loans
UPDATE lending.loan AS o
SET status = r.status, start_date = r.start_date, first_due_date = r.first_due_date,
    maturity_date = r.maturity_date, closed_on = r.closed_on, principal_minor = r.principal_minor,
    due_principal_minor = r.due_principal_minor,
    penal_principal_minor = r.penal_principal_minor, due_interest_minor = r.due_interest_minor,
    accrued_interest_e8 = r.accrued_interest_e8, accrued_penalty_e8 = r.accrued_penalty_e8,
    accrued_to = r.accrued_to, instalment_minor = r.instalment_minor,
    advance_minor = r.advance_minor, next_instalment_no = r.next_instalment_no,
    next_due_date = r.next_due_date, next_event_on = r.next_event_on,
    oldest_due_date = r.oldest_due_date, bucket = r.bucket,
    interest_paid_minor = r.interest_paid_minor, penalty_paid_minor = r.penalty_paid_minor,
    last_sequence = r.last_sequence, version = r.version, rate_daily_e8 = r.rate_daily_e8,
    penalty_daily_e8 = r.penalty_daily_e8, tenor_months = r.tenor_months,
    due_fee_minor = r.due_fee_minor, due_guarantee_minor = r.due_guarantee_minor,
    fee_paid_minor = r.fee_paid_minor, guarantee_paid_minor = r.guarantee_paid_minor,
    signed = r.signed
FROM unnest(:rows::lending.loan_change_v2[]) AS r
CROSS JOIN LATERAL (
    SELECT c.ctid FROM lending.loan AS c
    WHERE c.customer_id = r.customer_id AND c.loan_id = r.loan_id
    OFFSET 0) AS at
WHERE o.ctid = at.ctid
RETURNING 1;

-- name: put_instalments
-- Instalments that fell due or were paid on.
-- gives   nothing
-- locks   the instalments
INSERT INTO lending.instalment AS i (
    customer_id, loan_id, instalment_no, due_date, principal_minor, interest_minor,
    principal_paid_minor, interest_paid_minor, penal, settled_on, fee_minor, guarantee_minor,
    fee_paid_minor, guarantee_paid_minor)
SELECT r.customer_id, r.loan_id, r.instalment_no, r.due_date, r.principal_minor, r.interest_minor,
       r.principal_paid_minor, r.interest_paid_minor, r.penal, r.settled_on, r.fee_minor,
       r.guarantee_minor, r.fee_paid_minor, r.guarantee_paid_minor
FROM unnest(:rows::lending.instalment_v2[]) AS r
ON CONFLICT (customer_id, loan_id, instalment_no) DO UPDATE
SET due_date = excluded.due_date, principal_minor = excluded.principal_minor,
    interest_minor = excluded.interest_minor,
    principal_paid_minor = excluded.principal_paid_minor,
    interest_paid_minor = excluded.interest_paid_minor, penal = excluded.penal,
    settled_on = excluded.settled_on, fee_minor = excluded.fee_minor,
    guarantee_minor = excluded.guarantee_minor, fee_paid_minor = excluded.fee_paid_minor,
    guarantee_paid_minor = excluded.guarantee_paid_minor;

-- name: drop_instalments
-- Instalments that a loan folded again no longer has.
-- gives   nothing
-- locks   the instalments
DELETE FROM lending.instalment AS i
USING unnest(:rows::lending.instalment_key_v1[]) AS r
WHERE i.customer_id = r.customer_id AND i.loan_id = r.loan_id
  AND i.instalment_no = r.instalment_no;

-- name: add_transactions
-- What happened to loans.
-- gives   nothing
-- locks   nothing
INSERT INTO lending.loan_transaction (
    customer_id, transaction_id, loan_id, line_id, sequence, kind, value_date, book_date,
    posted_at, amount_minor, principal_minor, interest_minor, penalty_minor, excess_minor, mode,
    repayment_id, relates_to, channel, reason, idempotency_key, fee_minor, guarantee_minor, plan)
SELECT r.customer_id, r.transaction_id, r.loan_id, r.line_id, r.sequence, r.kind, r.value_date,
       r.book_date, r.posted_at, r.amount_minor, r.principal_minor, r.interest_minor,
       r.penalty_minor, r.excess_minor, r.mode, r.repayment_id, r.relates_to, r.channel, r.reason,
       r.idempotency_key, r.fee_minor, r.guarantee_minor, r.plan
FROM unnest(:rows::lending.transaction_v2[]) AS r;

-- name: add_line_events
-- Changes of lines.
-- gives   nothing
-- locks   nothing
INSERT INTO lending.line_event (
    customer_id, line_id, version, kind, before_value, after_value, reason, author, book_date, at,
    idempotency_key)
SELECT r.customer_id, r.line_id, r.version, r.kind, r.before_value, r.after_value, r.reason,
       r.author, r.book_date, r.at, r.idempotency_key
FROM unnest(:rows::lending.line_event_v1[]) AS r;

-- name: bring_review_forward
-- Reviews that an event brings forward; a day that is as near already stays.
-- gives   nothing
-- locks   the rows
UPDATE lending.review_due AS d
SET next_review_on = r.on_date, cause = r.cause
FROM unnest(:rows::lending.review_event_v1[]) AS r
WHERE d.customer_id = r.customer_id AND d.line_id = r.line_id AND d.next_review_on > r.on_date
  AND (r.cause <> 'on_time_streak' OR NOT EXISTS (
      -- A streak is one of the whole line: nothing of it was late in its last three instalments.
      SELECT FROM lending.loan AS o
      JOIN lending.instalment AS i ON i.customer_id = o.customer_id AND i.loan_id = o.loan_id
      WHERE o.customer_id = r.customer_id AND o.line_id = r.line_id
        AND i.due_date > r.on_date - 100
        AND coalesce(i.settled_on, r.on_date) > i.due_date + o.grace_days));

-- name: lines_with_something_due
-- Lines that have a loan on which something happens by a date.
-- gives   at most :page keys after the key given
-- locks   none
SELECT DISTINCT o.customer_id, o.line_id
FROM lending.loan AS o
WHERE o.status = 'open' AND o.next_event_on <= :business_date
ORDER BY o.customer_id, o.line_id
LIMIT :page;

-- name: receivables
-- What the open book had earned and not yet been paid by the start of a date, exactly.
-- gives   one row a lender, product, currency and bucket
-- locks   none
SELECT o.lender_id, o.product_code, o.currency, o.bucket, count(*) AS loans,
       sum(o.principal_minor)::bigint AS principal_minor,
       sum(o.due_interest_minor * 100000000::numeric + o.accrued_interest_e8
           + o.principal_minor * o.rate_daily_e8 * greatest(:on_date::date - o.accrued_to, 0)
       ) AS interest_e8,
       sum(o.accrued_penalty_e8 + o.penal_principal_minor * o.penalty_daily_e8
           * greatest(:on_date::date - o.accrued_to, 0)::numeric) AS penalty_e8,
       sum(o.due_fee_minor)::bigint AS fee_minor
FROM lending.loan AS o
WHERE o.status = 'open'
GROUP BY o.lender_id, o.product_code, o.currency, o.bucket
ORDER BY o.lender_id, o.product_code, o.currency, o.bucket;

-- name: add_accrual_day
-- The day's figures of the whole book.
-- gives   nothing
-- locks   nothing
INSERT INTO lending.accrual_day (
    business_date, lender_id, product_code, currency, bucket, loans, principal_minor,
    interest_receivable_e8, penalty_receivable_e8, fee_receivable_minor)
VALUES (:business_date, :lender_id, :product_code, :currency, :bucket, :loans, :principal_minor,
    :interest_receivable_e8, :penalty_receivable_e8, :fee_receivable_minor);

-- name: line_sums
-- What all lines come to now, as the view of lines shows each of them.
-- gives   one row a lender, product and currency that has lines which are not closed
-- locks   none
SELECT l.lender_id, l.product_code, l.currency, count(*) AS lines,
       count(*) FILTER (WHERE l.blocked_by IS NULL) AS drawable,
       sum(l.limit_minor)::bigint AS limit_minor,
       sum(l.principal_minor)::bigint AS principal_minor,
       sum(l.held_minor)::bigint AS held_minor,
       coalesce(sum(l.headroom_minor) FILTER (WHERE l.blocked_by IS NULL), 0)::bigint
           AS available_minor
FROM reporting.line AS l
WHERE l.status <> 'closed'
GROUP BY l.lender_id, l.product_code, l.currency
ORDER BY l.lender_id, l.product_code, l.currency;

-- name: add_line_day
-- The day's figures of all lines.
-- gives   nothing
-- locks   nothing
INSERT INTO lending.line_day (
    business_date, lender_id, product_code, currency, lines, drawable, limit_minor,
    principal_minor, held_minor, available_minor)
VALUES (:business_date, :lender_id, :product_code, :currency, :lines, :drawable, :limit_minor,
    :principal_minor, :held_minor, :available_minor);

-- name: snapshot
-- The snapshot of this transaction.
-- gives   one row
-- locks   none
SELECT pg_current_snapshot()::text;

-- name: close_steps
-- The steps of a day's close that were begun.
-- gives   at most one row a step
-- locks   none
SELECT s.business_date, s.step, s.started_at, s.finished_at, s.examined, s.touched, s.detail
FROM lending.close_step AS s
WHERE s.business_date = :business_date
ORDER BY s.started_at, s.step;

-- name: unfinished_close
-- The oldest day whose close was begun and not finished.
-- gives   at most one row
-- locks   none
SELECT b.business_date
FROM lending.close_step AS b
WHERE b.step = 'cut_off' AND NOT EXISTS (
    SELECT 1 FROM lending.close_step AS f
    WHERE f.business_date = b.business_date AND f.step = 'finished')
ORDER BY b.business_date
LIMIT 1;

-- name: put_close_step
-- A step of a close that was begun or went on; counts add up over interruptions.
-- gives   nothing
-- locks   the step
INSERT INTO lending.close_step AS s (
    business_date, step, started_at, finished_at, examined, touched, detail)
VALUES (:business_date, :step, :started_at, :finished_at, :examined, :touched, :detail)
ON CONFLICT (business_date, step) DO UPDATE
SET finished_at = excluded.finished_at, examined = s.examined + excluded.examined,
    touched = s.touched + excluded.touched, detail = excluded.detail;
