-- Named queries of the console over the views of schema desk, which show what the reader may see, and
-- of schema reporting for the rest; nothing here writes or locks.

-- name: business_date
-- The business date, nothing before the first day is opened.
SELECT business_date
FROM reporting.business_date;

-- name: loans
-- Loans in the order of their numbers, which is the order in which they were asked for.
-- gives   at most :page rows of the given status, behind the key
SELECT customer_id, loan_id, line_id, product_code, currency, method, status, original_minor,
       principal_minor, instalments, instalments_settled, next_due_date, start_date,
       days_past_due, bucket, 0::bigint AS sort_value
FROM desk.loan
WHERE (:status::text IS NULL OR status = :status)
  AND (:product::text IS NULL OR product_code = :product)
  AND (:bucket::smallint IS NULL OR bucket = :bucket)
  AND (:days_least::integer IS NULL OR days_past_due >= :days_least)
  AND loan_id < :after_number
ORDER BY loan_id DESC
LIMIT :page;

-- name: loans_upwards
-- The same from the oldest on.
-- gives   at most :page rows of the given status, behind the key
SELECT customer_id, loan_id, line_id, product_code, currency, method, status, original_minor,
       principal_minor, instalments, instalments_settled, next_due_date, start_date,
       days_past_due, bucket, 0::bigint AS sort_value
FROM desk.loan
WHERE (:status::text IS NULL OR status = :status)
  AND (:product::text IS NULL OR product_code = :product)
  AND (:bucket::smallint IS NULL OR bucket = :bucket)
  AND (:days_least::integer IS NULL OR days_past_due >= :days_least)
  AND loan_id > :after_number
ORDER BY loan_id
LIMIT :page;

-- name: loans_sorted
-- Loans by a figure of theirs, in either direction, then by number.
-- gives   at most :page rows of the given status, behind the key
SELECT customer_id, loan_id, line_id, product_code, currency, method, status, original_minor,
       principal_minor, instalments, instalments_settled, next_due_date, start_date,
       days_past_due, bucket, sort_value
FROM desk.loan
CROSS JOIN LATERAL (
    SELECT CASE :sort::text
        WHEN 'balance' THEN principal_minor
        WHEN 'original' THEN original_minor
        WHEN 'next_due' THEN coalesce(next_due_date - DATE '1970-01-01', 0)
        ELSE days_past_due
    END::bigint AS sort_value
) AS sorting
WHERE (:status::text IS NULL OR status = :status)
  AND (:product::text IS NULL OR product_code = :product)
  AND (:bucket::smallint IS NULL OR bucket = :bucket)
  AND (:days_least::integer IS NULL OR days_past_due >= :days_least)
  AND (NOT :has_key::boolean
       OR (:sign::integer * sort_value, :sign * loan_id) > (:after_value::bigint, :after_number::bigint))
ORDER BY :sign * sort_value, :sign * loan_id
LIMIT :page;

-- name: loans_of_customer
-- The loans of a customer, newest first.
-- gives   at most :page rows
SELECT customer_id, loan_id, line_id, product_code, currency, method, status, original_minor,
       principal_minor, instalments, instalments_settled, next_due_date, start_date,
       days_past_due, bucket, 0::bigint AS sort_value
FROM desk.loan
WHERE customer_id = :customer_id
  AND (:line_id::bigint IS NULL OR line_id = :line_id)
ORDER BY loan_id DESC
LIMIT :page;

-- name: loan
-- One loan.
SELECT customer_id, loan_id, line_id, product_code, product_version, lender_id, currency, method,
       purpose, original_minor, rate_daily_e8, penalty_daily_e8, grace_days, tenor_months,
       repayment_day, requested_on, status, start_date, maturity_date, closed_on,
       principal_minor, due_principal_minor, penal_principal_minor, due_interest_minor,
       instalment_minor, next_instalment_no, next_due_date, oldest_due_date, bucket,
       interest_paid_minor, penalty_paid_minor, interest_e8, penalty_e8, days_past_due,
       business_date
FROM desk.loan
WHERE customer_id = :customer_id AND loan_id = :loan_id;

-- name: postings_of_loan
-- The postings of a loan's journals, in the order in which they were booked.
SELECT customer_id, journal_id, kind, book_date, posted_at, transaction_id, position, account,
       debit_minor, credit_minor, currency
FROM reporting.posting
WHERE customer_id = :customer_id AND loan_id = :loan_id
ORDER BY journal_id, position;

-- name: lines
-- Lines in the order of their numbers, newest first.
-- gives   at most :page rows, behind the key
SELECT customer_id, line_id, product_code, currency, status, blocked_by, limit_minor,
       own_cap_minor, principal_minor, held_minor, headroom_minor, rate_daily_e8, valid_to,
       0::bigint AS sort_value
FROM desk.line
WHERE (:status::text IS NULL OR status = :status)
  AND (:product::text IS NULL OR product_code = :product)
  AND line_id < :after_number
ORDER BY line_id DESC
LIMIT :page;

-- name: lines_upwards
-- The same from the oldest on.
-- gives   at most :page rows, behind the key
SELECT customer_id, line_id, product_code, currency, status, blocked_by, limit_minor,
       own_cap_minor, principal_minor, held_minor, headroom_minor, rate_daily_e8, valid_to,
       0::bigint AS sort_value
FROM desk.line
WHERE (:status::text IS NULL OR status = :status)
  AND (:product::text IS NULL OR product_code = :product)
  AND line_id > :after_number
ORDER BY line_id
LIMIT :page;

-- name: lines_sorted
-- Lines by a figure of theirs, in either direction, then by number.
-- gives   at most :page rows, behind the key
SELECT customer_id, line_id, product_code, currency, status, blocked_by, limit_minor,
       own_cap_minor, principal_minor, held_minor, headroom_minor, rate_daily_e8, valid_to,
       sort_value
FROM desk.line
CROSS JOIN LATERAL (
    SELECT CASE :sort::text
        WHEN 'limit' THEN limit_minor
        WHEN 'used' THEN principal_minor
        ELSE headroom_minor
    END::bigint AS sort_value
) AS sorting
WHERE (:status::text IS NULL OR status = :status)
  AND (:product::text IS NULL OR product_code = :product)
  AND (NOT :has_key::boolean
       OR (:sign::integer * sort_value, :sign * line_id) > (:after_value::bigint, :after_number::bigint))
ORDER BY :sign * sort_value, :sign * line_id
LIMIT :page;

-- name: lines_of_customer
-- The lines of a customer, newest first.
SELECT customer_id, line_id, product_code, currency, status, blocked_by, limit_minor,
       own_cap_minor, principal_minor, held_minor, headroom_minor, rate_daily_e8, valid_to,
       0::bigint AS sort_value
FROM desk.line
WHERE customer_id = :customer_id
ORDER BY line_id DESC
LIMIT :page;

-- name: line
-- One credit line.
SELECT customer_id, line_id, application_id, product_code, product_version, lender_id, currency,
       status, blocked_by, limit_minor, own_cap_minor, principal_minor, held_minor, credit_minor,
       headroom_minor, rate_daily_e8, repayment_day, opened_on, valid_to, frozen_until,
       status_reason, version, business_date
FROM desk.line
WHERE customer_id = :customer_id AND line_id = :line_id;

-- name: line_events
-- What happened to a line, newest first.
-- gives   at most :page rows
SELECT version, kind, before_value, after_value, reason, author, book_date, at
FROM desk.line_event
WHERE customer_id = :customer_id AND line_id = :line_id
ORDER BY version DESC
LIMIT :page;

-- name: line_measures
-- The measures on a line, newest first.
-- gives   at most :page rows
SELECT measure_id, kind, status, reasons, author, effective_on, ends_on, currency, from_minor,
       to_minor
FROM reporting.line_measure
WHERE customer_id = :customer_id AND line_id = :line_id
ORDER BY measure_id DESC
LIMIT :page;

-- name: loans_in_range
-- Loans whose numbers lie in a range: what a number's beginning stands for.
SELECT customer_id, loan_id AS number
FROM desk.loan
WHERE loan_id BETWEEN :low AND :high
ORDER BY loan_id
LIMIT :page;

-- name: lines_in_range
-- Lines whose numbers lie in a range.
SELECT customer_id, line_id AS number
FROM desk.line
WHERE line_id BETWEEN :low AND :high
ORDER BY line_id
LIMIT :page;

-- name: payments_in_range
-- Payments whose numbers lie in a range.
SELECT customer_id, payment_id AS number
FROM desk.payment
WHERE payment_id BETWEEN :low AND :high
ORDER BY payment_id
LIMIT :page;

-- name: payments
-- Payments in the order of their numbers, newest first.
-- gives   at most :page rows, behind the key
SELECT customer_id, payment_id, direction, line_id, loan_id, amount_minor, currency, rail,
       business_date, status, sends, asks, next_act_at, suspended_at, failure_code, created_at,
       0::bigint AS sort_value
FROM desk.payment
WHERE (:status::text IS NULL OR status = :status)
  AND (:direction::text IS NULL OR direction = :direction)
  AND payment_id < :after_number
ORDER BY payment_id DESC
LIMIT :page;

-- name: payments_upwards
-- The same from the oldest on.
-- gives   at most :page rows, behind the key
SELECT customer_id, payment_id, direction, line_id, loan_id, amount_minor, currency, rail,
       business_date, status, sends, asks, next_act_at, suspended_at, failure_code, created_at,
       0::bigint AS sort_value
FROM desk.payment
WHERE (:status::text IS NULL OR status = :status)
  AND (:direction::text IS NULL OR direction = :direction)
  AND payment_id > :after_number
ORDER BY payment_id
LIMIT :page;

-- name: payment_counts
-- How many payments stand in each state that is not final, and in which since when.
SELECT status, currency, count(*) AS payments, sum(amount_minor)::bigint AS amount_minor,
       min(created_at) AS oldest_at
FROM desk.payment
WHERE status IN ('created', 'held', 'sent', 'unknown')
GROUP BY status, currency
ORDER BY status, currency;

-- name: payment
-- One payment.
SELECT customer_id, payment_id, direction, line_id, loan_id, lender_id, amount_minor, currency,
       rail, business_date, status, sends, asks, sent_at, sent_on, next_act_at, suspended_at,
       outcome, value_date, rail_reference, failure_code, created_at, finished_at
FROM desk.payment
WHERE customer_id = :customer_id AND payment_id = :payment_id;

-- name: payment_attempts
-- What was asked of the rail about a payment and what it said, in its order.
SELECT act_no, act, reference, started_at, answer, value_date, rail_reference, received_at
FROM reporting.payment_attempt
WHERE customer_id = :customer_id AND payment_id = :payment_id
ORDER BY act_no;

-- name: payment_suspense
-- The cases of a payment that only people can resolve.
SELECT case_no, cause, opened_at, resolution, first_person, proposed_at, second_person,
       approved_at
FROM reporting.suspense
WHERE customer_id = :customer_id AND payment_id = :payment_id
ORDER BY case_no;

-- name: close_days
-- Closed days, newest first, with how long they took.
-- gives   at most :page rows, before the date given
SELECT business_date, min(started_at) AS started_at, max(finished_at) AS finished_at,
       count(*) AS steps, count(finished_at) AS finished_steps,
       sum(examined)::bigint AS examined, sum(touched)::bigint AS touched
FROM reporting.close_step
WHERE business_date < :before
GROUP BY business_date
ORDER BY business_date DESC
LIMIT :page;

-- name: close_steps
-- The steps of one day's close, in the order in which they began.
SELECT step, started_at, finished_at, examined, touched, detail
FROM reporting.close_step
WHERE business_date = :business_date
ORDER BY started_at, step;

-- name: last_closed_day
-- The last day whose close is recorded.
SELECT max(business_date)
FROM reporting.close_step;

-- name: trial_balance
-- Sums of each account up to and including a date: closed days from their sums, the rest from the
-- journals themselves.
SELECT account, currency, sum(debit_minor)::bigint AS debit_minor,
       sum(credit_minor)::bigint AS credit_minor
FROM (
    SELECT account, currency, debit_minor, credit_minor
    FROM reporting.day_balance
    WHERE book_date <= :on_date
    UNION ALL
    SELECT account, currency, debit_minor, credit_minor
    FROM reporting.posting
    WHERE book_date <= :on_date
      AND book_date > coalesce((SELECT max(book_date) FROM reporting.day_balance),
                               DATE '0001-01-01')
) AS sums
GROUP BY account, currency
ORDER BY currency, account;

-- name: account_days
-- The daily sums of one account, newest first.
-- gives   at most :page rows, up to the date given
SELECT book_date, currency, sum(debit_minor)::bigint AS debit_minor,
       sum(credit_minor)::bigint AS credit_minor
FROM (
    SELECT book_date, currency, debit_minor, credit_minor
    FROM reporting.day_balance
    WHERE account = :account AND book_date <= :on_date
    UNION ALL
    SELECT book_date, currency, debit_minor, credit_minor
    FROM reporting.posting
    WHERE account = :account AND book_date <= :on_date
      AND book_date > coalesce((SELECT max(book_date) FROM reporting.day_balance),
                               DATE '0001-01-01')
) AS sums
GROUP BY book_date, currency
ORDER BY book_date DESC, currency
LIMIT :page;

-- name: account_postings
-- The postings to one account on one date, in the order of their journals.
-- gives   at most :page rows, behind the key
SELECT customer_id, journal_id, kind, posted_at, loan_id, transaction_id, currency, debit_minor,
       credit_minor
FROM reporting.posting
WHERE account = :account AND book_date = :book_date AND journal_id > :after_number
ORDER BY journal_id, position
LIMIT :page;

-- name: journal
-- The postings of one journal.
SELECT customer_id, journal_id, kind, book_date, posted_at, lender_id, product_code, loan_id,
       transaction_id, position, account, debit_minor, credit_minor, currency
FROM reporting.posting
WHERE customer_id = :customer_id AND journal_id = :journal_id
ORDER BY position;

-- name: book_by_day
-- The book at the end of each closed day: principal by bucket, since a date.
SELECT business_date, currency, bucket, sum(loans)::bigint AS loans,
       sum(principal_minor)::bigint AS principal_minor
FROM desk.accrual_day
WHERE business_date >= :since
GROUP BY business_date, currency, bucket
ORDER BY business_date, currency, bucket;

-- name: cash_by_day
-- Money in and out by day, as the bank account shows it, since a date.
SELECT book_date, currency, sum(debit_minor)::bigint AS in_minor,
       sum(credit_minor)::bigint AS out_minor
FROM (
    SELECT book_date, currency, debit_minor, credit_minor
    FROM desk.day_balance
    WHERE account = :account AND book_date >= :since
    UNION ALL
    SELECT book_date, currency, debit_minor, credit_minor
    FROM desk.posting
    WHERE account = :account AND book_date >= :since
      AND book_date > coalesce((SELECT max(book_date) FROM reporting.day_balance),
                               DATE '0001-01-01')
) AS sums
GROUP BY book_date, currency
ORDER BY book_date, currency;

-- name: lines_by_day
-- All lines at the end of each closed day: how many grant how much, and what could be drawn.
SELECT business_date, currency, sum(lines)::bigint AS lines, sum(drawable)::bigint AS drawable,
       sum(available_minor)::bigint AS available_minor
FROM desk.line_day
WHERE business_date >= :since
GROUP BY business_date, currency
ORDER BY business_date, currency;

-- name: vintages
-- Share of what was lent in a month that was ever more than 30 days late, by months on book. A
-- loan is 31 days late when an instalment has stood unpaid for that long after its due date.
SELECT cohort.month, late.months_on_book, cohort.original_minor,
       coalesce(late.original_minor, 0) AS late_minor
FROM (
    SELECT date_trunc('month', start_date)::date AS month,
           sum(original_minor)::bigint AS original_minor
    FROM desk.loan
    WHERE start_date >= :since
    GROUP BY 1
) AS cohort
LEFT JOIN (
    SELECT month, months_on_book, sum(original_minor)::bigint AS original_minor
    FROM (
        SELECT date_trunc('month', l.start_date)::date AS month, l.original_minor,
               (extract(year FROM min(i.due_date) + 31) * 12
                + extract(month FROM min(i.due_date) + 31)
                - extract(year FROM l.start_date) * 12
                - extract(month FROM l.start_date))::integer AS months_on_book
        FROM desk.loan AS l
        JOIN reporting.instalment AS i USING (customer_id, loan_id)
        WHERE l.start_date >= :since
          AND i.due_date + 31 <= coalesce(i.settled_on, l.business_date)
        GROUP BY l.customer_id, l.loan_id, l.start_date, l.original_minor
    ) AS loan
    GROUP BY month, months_on_book
) AS late USING (month)
ORDER BY cohort.month, late.months_on_book;

-- name: applications
-- Applications in the order of their numbers, newest first.
-- gives   at most :page rows, behind the key
SELECT customer_id, application_id, product_code, currency, requested_minor, status, received_at,
       decided_at, grade, points, limit_minor, rate_daily_e8, 0::bigint AS sort_value,
       (SELECT (d.result::jsonb ->> 'pd_ppm')::integer
        FROM reporting.decision AS d
        WHERE d.customer_id = application.customer_id
          AND d.application_id = application.application_id AND d.decided_by = 'policy'
        ORDER BY d.decision_no DESC
        LIMIT 1) AS pd_ppm
FROM desk.application
WHERE (:status::text IS NULL OR status = :status)
  AND (:product::text IS NULL OR product_code = :product)
  AND (:grade::text IS NULL OR grade = :grade)
  AND application_id < :after_number
ORDER BY application_id DESC
LIMIT :page;

-- name: applications_upwards
-- The same from the oldest on.
-- gives   at most :page rows, behind the key
SELECT customer_id, application_id, product_code, currency, requested_minor, status, received_at,
       decided_at, grade, points, limit_minor, rate_daily_e8, 0::bigint AS sort_value,
       (SELECT (d.result::jsonb ->> 'pd_ppm')::integer
        FROM reporting.decision AS d
        WHERE d.customer_id = application.customer_id
          AND d.application_id = application.application_id AND d.decided_by = 'policy'
        ORDER BY d.decision_no DESC
        LIMIT 1) AS pd_ppm
FROM desk.application
WHERE (:status::text IS NULL OR status = :status)
  AND (:product::text IS NULL OR product_code = :product)
  AND (:grade::text IS NULL OR grade = :grade)
  AND application_id > :after_number
ORDER BY application_id
LIMIT :page;

-- name: applications_sorted
-- Applications by a figure of theirs, in either direction, then by number.
-- gives   at most :page rows, behind the key
SELECT customer_id, application_id, product_code, currency, requested_minor, status, received_at,
       decided_at, grade, points, limit_minor, rate_daily_e8, sort_value,
       (SELECT (d.result::jsonb ->> 'pd_ppm')::integer
        FROM reporting.decision AS d
        WHERE d.customer_id = application.customer_id
          AND d.application_id = application.application_id AND d.decided_by = 'policy'
        ORDER BY d.decision_no DESC
        LIMIT 1) AS pd_ppm
FROM desk.application
CROSS JOIN LATERAL (
    SELECT CASE :sort::text
        WHEN 'requested' THEN coalesce(requested_minor, 0)
        WHEN 'limit' THEN coalesce(limit_minor, 0)
        ELSE coalesce(points, 0)
    END::bigint AS sort_value
) AS sorting
WHERE (:status::text IS NULL OR status = :status)
  AND (:product::text IS NULL OR product_code = :product)
  AND (:grade::text IS NULL OR grade = :grade)
  AND (NOT :has_key::boolean
       OR (:sign::integer * sort_value, :sign * application_id)
          > (:after_value::bigint, :after_number::bigint))
ORDER BY :sign * sort_value, :sign * application_id
LIMIT :page;

-- name: applications_of_customer
-- The applications of a customer, newest first.
-- gives   at most :page rows
SELECT customer_id, application_id, product_code, currency, requested_minor, status, received_at,
       decided_at, grade, points, limit_minor, rate_daily_e8, 0::bigint AS sort_value,
       (SELECT (d.result::jsonb ->> 'pd_ppm')::integer
        FROM reporting.decision AS d
        WHERE d.customer_id = application.customer_id
          AND d.application_id = application.application_id AND d.decided_by = 'policy'
        ORDER BY d.decision_no DESC
        LIMIT 1) AS pd_ppm
FROM desk.application
WHERE customer_id = :customer_id
ORDER BY application_id DESC
LIMIT :page;

-- name: application
-- One application.
SELECT customer_id, application_id, product_code, product_version, currency, requested_minor,
       purpose, status, received_at, decided_at, ended_at, outcome, decided_by, decision_reason,
       grade, points, limit_minor, rate_daily_e8, tenors_months, reasons, policy_hash,
       policy_version, valid_until, line_id,
       (SELECT (d.result::jsonb ->> 'pd_ppm')::integer
        FROM reporting.decision AS d
        WHERE d.customer_id = application.customer_id
          AND d.application_id = application.application_id AND d.decided_by = 'policy'
        ORDER BY d.decision_no DESC
        LIMIT 1) AS pd_ppm
FROM desk.application
WHERE customer_id = :customer_id AND application_id = :application_id;

-- name: decisions
-- The decisions on an application, with the document of the policy behind each.
SELECT d.decision_no, d.decided_by, d.outcome, d.policy_hash, d.inputs, d.result, d.reason,
       d.decided_at, p.document
FROM reporting.decision AS d
LEFT JOIN reporting.policy_version AS p USING (policy_hash)
WHERE d.customer_id = :customer_id AND d.application_id = :application_id
ORDER BY d.decision_no;

-- name: applications_in_range
-- Applications whose numbers lie in a range.
SELECT customer_id, application_id AS number
FROM desk.application
WHERE application_id BETWEEN :low AND :high
ORDER BY application_id
LIMIT :page;

-- name: customers_in_range
-- Customers whose numbers lie in a range.
SELECT customer_id, customer_id AS number
FROM desk.customer
WHERE customer_id BETWEEN :low AND :high
ORDER BY customer_id
LIMIT :page;

-- name: newest_customers
-- The customers who came last.
-- gives   at most :page rows
SELECT customer_id, status, created_at
FROM desk.customer
ORDER BY customer_id DESC
LIMIT :page;

-- name: customer
-- One customer, without anything personal.
SELECT customer_id, status, language, created_at
FROM desk.customer
WHERE customer_id = :customer_id;

-- name: customer_events
-- What happened with a customer, newest first: applications, lines, loans, looks at the person.
-- gives   at most :page rows
SELECT at, kind, subject_id, code, amount_minor, currency, note
FROM (
    SELECT received_at AS at, 'applied' AS kind, application_id AS subject_id,
           product_code AS code, requested_minor AS amount_minor, currency, NULL AS note
    FROM desk.application
    WHERE customer_id = :customer_id
    UNION ALL
    SELECT decided_at, 'decided', application_id, outcome, limit_minor, currency, decided_by
    FROM desk.application
    WHERE customer_id = :customer_id AND decided_at IS NOT NULL
    UNION ALL
    SELECT e.at, 'line', e.line_id, e.kind, NULL, NULL, e.author
    FROM desk.line_event AS e
    WHERE e.customer_id = :customer_id
    UNION ALL
    SELECT t.posted_at, 'transaction', t.loan_id, t.kind, t.amount_minor, l.currency, t.channel
    FROM desk.loan_transaction AS t
    JOIN desk.loan AS l USING (customer_id, loan_id)
    WHERE t.customer_id = :customer_id
    UNION ALL
    SELECT revealed_at, 'revealed', reveal_id, purpose, NULL, NULL,
           revealed_to || ': ' || reason
    FROM reporting.reveal
    WHERE customer_id = :customer_id
) AS event
ORDER BY at DESC, kind, subject_id
LIMIT :page;

-- name: newest_consents
-- The consents that were given last.
-- gives   at most :page rows
SELECT customer_id, consent_id, purpose, recipient, notice_code, notice_version, uses, uses_max,
       period_seconds, valid_from, valid_to, given_at, status
FROM desk.consent
ORDER BY consent_id DESC
LIMIT :page;

-- name: consents_of_customer
-- The consents of one customer, newest first.
-- gives   at most :page rows
SELECT customer_id, consent_id, purpose, recipient, notice_code, notice_version, uses, uses_max,
       period_seconds, valid_from, valid_to, given_at, status
FROM desk.consent
WHERE customer_id = :customer_id
ORDER BY consent_id DESC
LIMIT :page;

-- name: consents_refused
-- The notices that one customer refused, newest first.
-- gives   at most :page rows
SELECT notice_code, notice_version, decided_at
FROM desk.consent_refused
WHERE customer_id = :customer_id
ORDER BY decision_id DESC
LIMIT :page;

-- name: consent
-- One consent with the text that was shown.
-- gives   at most one row
SELECT customer_id, consent_id, record_id, purpose, recipient, application_id, notice_code,
       notice_version, language, uses, uses_max, period_seconds, valid_from, valid_to,
       data_life_days, given_at, leaf_id, sha256, status, ended_at, withdrawn_at, dwell_ms,
       reading_ms_min, method, level, channel, text_sha256, screen_sha256, text
FROM desk.consent
WHERE customer_id = :customer_id AND consent_id = :consent_id;

-- name: consent_events
-- What happened to one consent, newest first.
-- gives   at most :page rows
SELECT event_no, kind, at, use_no, done_by
FROM reporting.consent_event
WHERE customer_id = :customer_id AND consent_id = :consent_id
ORDER BY event_no DESC
LIMIT :page;

-- name: application_funnel
-- How far the applications received since an instant have come.
SELECT count(*) AS received,
       count(*) FILTER (WHERE decided_at IS NOT NULL) AS decided,
       count(*) FILTER (WHERE status = 'referred') AS waiting,
       count(*) FILTER (WHERE outcome = 'approved') AS approved,
       count(*) FILTER (WHERE status = 'accepted') AS accepted,
       count(*) FILTER (WHERE line_id IS NOT NULL AND EXISTS (
           SELECT FROM desk.loan AS l
           WHERE l.customer_id = a.customer_id AND l.line_id = a.line_id
             AND l.start_date IS NOT NULL)) AS drawn
FROM desk.application AS a
WHERE received_at >= :since;

-- name: approvals_by_day
-- Decisions by day on applications received since an instant, and how many were approvals.
SELECT (decided_at AT TIME ZONE :zone)::date AS day, count(*) AS decided,
       count(*) FILTER (WHERE outcome = 'approved') AS approved
FROM desk.application
WHERE received_at >= :since AND decided_at IS NOT NULL
  AND outcome IN ('approved', 'declined')
GROUP BY 1
ORDER BY 1;

-- name: contracts_of_customer
-- The contracts of one customer, newest first.
-- gives   at most :page rows
SELECT customer_id, contract_id, product_code, limit_minor, currency, template_code,
       template_version, prepared_on, signed_at, state
FROM desk.contract
WHERE customer_id = :customer_id
ORDER BY contract_id DESC
LIMIT :page;

-- name: contract
-- One contract without its text.
-- gives   at most one row
SELECT customer_id, contract_id, application_id, product_code, lender_id, template_code,
       template_version, currency, limit_minor, rate_daily_e8, state, valid_until, sha256_zh,
       sha256_en, cost_sheet_sha256, prepared_at, replaces, effective_on, signed_at, evidence,
       pdf_sha256
FROM desk.contract
WHERE customer_id = :customer_id AND contract_id = :contract_id;

-- name: log
-- The log's name, how far it is numbered and signed, and what waits for its number.
-- gives   one row, its name empty before the log was begun
SELECT l.origin, l.created_at, h.size, h.signed_size, w.leaves, w.oldest
FROM reporting.log_head AS h
CROSS JOIN reporting.leaf_waiting AS w
LEFT JOIN reporting.log AS l ON true;

-- name: last_witnessed
-- The last head that witnesses stand for.
-- gives   at most one row
SELECT size, root, witnessed_at
FROM reporting.witnessed
ORDER BY size DESC
LIMIT 1;

-- name: cosignatures
-- Who stands for a head, and when by the witness's own clock.
SELECT witness, cosigned
FROM reporting.cosignature
WHERE size = :size
ORDER BY cosigned, witness;

-- name: log_alarms
-- Alarms that nobody has cleared, those that stop the log first.
-- gives   at most :page rows
SELECT code, witness, detail, stops, raised_at
FROM reporting.log_alarm
WHERE cleared_at IS NULL
ORDER BY stops DESC, alarm_id
LIMIT :page;

-- name: leaves_by_day
-- The newest leaves by day and type: a part of the log that is read in a moment, however long it is.
-- gives   counts over at most :bound leaves
SELECT (to_timestamp(created) AT TIME ZONE :zone)::date AS day, leaf_type, count(*) AS leaves
FROM (
    SELECT leaf_type, created
    FROM reporting.leaf
    ORDER BY idx DESC
    LIMIT :bound
) AS newest
WHERE created >= :since
GROUP BY day, leaf_type
ORDER BY day, leaf_type;

-- name: leaves_of_customer
-- The leaves of one customer, numbered or staged, newest first.
-- gives   at most :page rows, behind the key
SELECT leaf_id, leaf_type, subject_id, created, idx
FROM reporting.leaf
WHERE customer_id = :customer_id AND leaf_id < :before
UNION ALL
SELECT leaf_id, leaf_type, subject_id, created, NULL
FROM reporting.leaf_staged
WHERE customer_id = :customer_id AND leaf_id < :before
ORDER BY leaf_id DESC
LIMIT :page;

-- name: leaf_of_customer
-- One leaf of a customer, numbered or staged.
-- gives   at most one row
SELECT leaf_id, leaf_type, subject_id, created, idx
FROM reporting.leaf
WHERE customer_id = :customer_id AND leaf_id = :leaf_id
UNION ALL
SELECT leaf_id, leaf_type, subject_id, created, NULL
FROM reporting.leaf_staged
WHERE customer_id = :customer_id AND leaf_id = :leaf_id
ORDER BY idx NULLS LAST
LIMIT 1;

-- name: inquiries_of_customer
-- The inquiries about one customer with what is left of their reports, newest first.
-- gives   at most :page rows, behind the key
SELECT i.inquiry_id, i.consent_id, i.use_no, i.occasion, i.purpose, i.reason_code, i.bureau,
       i.state, i.outcome_code, i.asked_at, i.sent_at, i.ended_at, i.bureau_reference,
       i.intent_leaf_id, i.outcome_leaf_id, r.expires_at, r.erased_at
FROM desk.inquiry AS i
LEFT JOIN reporting.bureau_report AS r USING (customer_id, inquiry_id)
WHERE i.customer_id = :customer_id AND i.inquiry_id < :before
ORDER BY i.inquiry_id DESC
LIMIT :page;

-- name: openings_of_customer
-- Every look at a report about one customer, newest first.
-- gives   at most :page rows
SELECT o.opening_id, o.purpose, o.opened_by, o.grant_id, o.is_reuse, o.opened_at, o.leaf_id,
       r.inquiry_id
FROM reporting.report_opening AS o
JOIN reporting.bureau_report AS r USING (customer_id, report_id)
WHERE o.customer_id = :customer_id
ORDER BY o.opening_id DESC
LIMIT :page;

-- name: returns_of_line
-- Credit that went back, or is going back, to the customer of a line, newest first.
-- gives   at most :page rows
SELECT return_id, amount_minor, currency, requested_on, status, value_date, rail_reference,
       failure_code, settled_on
FROM reporting.credit_return
WHERE customer_id = :customer_id AND line_id = :line_id
ORDER BY return_id DESC
LIMIT :page;

-- name: reconciliations
-- Reconciled days of each rail, newest first.
-- gives   at most :page rows
SELECT rail, business_date, reconciled_at, orders_count, lines_count, bookings_count,
       matched_count, differences_count
FROM reporting.reconciliation
ORDER BY business_date DESC, rail
LIMIT :page;
