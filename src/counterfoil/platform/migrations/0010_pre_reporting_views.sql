-- What entry points may read across contexts. A view names its columns, so that a table may grow
-- without any reader noticing; "as of" is the business date of the same statement.
SET LOCAL lock_timeout = '3s';

CREATE SCHEMA IF NOT EXISTS reporting;

CREATE VIEW reporting.business_date AS
SELECT business_date, moved_at FROM platform.business_date;

-- Available is min(limit, own cap) less what is used and held, and nothing on a line that is
-- blocked: the same parts that lending adds up when it decides on a drawdown.
CREATE VIEW reporting.line AS
SELECT l.customer_id, l.line_id, l.application_id, l.product_code, l.product_version,
       l.lender_id, l.currency::text AS currency, l.status, l.limit_minor, l.own_cap_minor,
       l.principal_minor, l.held_minor, l.credit_minor, l.rate_daily_e8, l.repayment_day,
       l.opened_on, l.valid_to, l.frozen_until, l.status_reason, l.version,
       CASE
           WHEN l.status = 'frozen' AND l.frozen_until < d.business_date
               THEN CASE WHEN d.business_date > l.valid_to THEN 'expired' END
           WHEN l.status <> 'active' THEN l.status
           WHEN d.business_date > l.valid_to THEN 'expired'
       END AS blocked_by,
       greatest(0, least(l.limit_minor, coalesce(l.own_cap_minor, l.limit_minor))
           - l.principal_minor - l.held_minor) AS headroom_minor,
       d.business_date
FROM lending.credit_line AS l
CROSS JOIN platform.business_date AS d;

-- Interest and penalty are exact and run to the business date; days past due are zero within the
-- days of grace.
CREATE VIEW reporting.loan AS
SELECT l.customer_id, l.loan_id, l.line_id, l.product_code, l.product_version, l.lender_id,
       l.currency::text AS currency, l.method, l.purpose, l.original_minor, l.rate_daily_e8,
       l.penalty_daily_e8, l.grace_days, l.tenor_months, l.repayment_day, l.requested_on,
       l.status, l.start_date, l.first_due_date, l.maturity_date, l.closed_on,
       l.principal_minor, l.due_principal_minor, l.penal_principal_minor,
       l.due_interest_minor, l.instalment_minor, l.advance_minor, l.next_instalment_no,
       l.next_due_date, l.oldest_due_date, l.bucket, l.interest_paid_minor,
       l.penalty_paid_minor, l.accrued_to, l.version,
       l.accrued_interest_e8 + CASE WHEN l.status = 'open' THEN l.principal_minor
           * l.rate_daily_e8 * greatest(0, d.business_date - l.accrued_to) ELSE 0 END
           AS interest_e8,
       l.accrued_penalty_e8 + CASE WHEN l.status = 'open' THEN l.penal_principal_minor
           * l.penalty_daily_e8 * greatest(0, d.business_date - l.accrued_to) ELSE 0 END
           AS penalty_e8,
       CASE WHEN d.business_date - l.oldest_due_date > l.grace_days
           THEN d.business_date - l.oldest_due_date ELSE 0 END AS days_past_due,
       d.business_date,
       (SELECT count(*) FROM lending.instalment AS i
        WHERE i.customer_id = l.customer_id AND i.loan_id = l.loan_id
          AND i.settled_on IS NOT NULL) AS instalments_settled,
       CASE WHEN l.method = 'bullet' THEN 1 ELSE l.tenor_months END AS instalments
FROM lending.loan AS l
CROSS JOIN platform.business_date AS d;

CREATE VIEW reporting.instalment AS
SELECT customer_id, loan_id, instalment_no, due_date, principal_minor, interest_minor,
       principal_paid_minor, interest_paid_minor, penal, settled_on
FROM lending.instalment;

CREATE VIEW reporting.loan_transaction AS
SELECT customer_id, transaction_id, loan_id, line_id, sequence, kind, value_date, book_date,
       posted_at, amount_minor, principal_minor, interest_minor, penalty_minor, excess_minor,
       mode, repayment_id, relates_to, channel, reason, idempotency_key
FROM lending.loan_transaction;

CREATE VIEW reporting.line_event AS
SELECT customer_id, line_id, version, kind, before_value, after_value, reason, author,
       book_date, at
FROM lending.line_event;

CREATE VIEW reporting.close_step AS
SELECT business_date, step, started_at, finished_at, examined, touched, detail
FROM lending.close_step;

CREATE VIEW reporting.accrual_day AS
SELECT business_date, lender_id, product_code, currency::text AS currency, bucket, loans,
       principal_minor, interest_receivable_e8, penalty_receivable_e8
FROM lending.accrual_day;

CREATE VIEW reporting.journal AS
SELECT customer_id, journal_id, lender_id, currency::text AS currency, product_code, book_date,
       posted_at, kind, loan_id, transaction_id
FROM ledger.journal;

CREATE VIEW reporting.posting AS
SELECT customer_id, journal_id, lender_id, currency::text AS currency, product_code, book_date,
       posted_at, kind, loan_id, transaction_id, position, account, debit_minor, credit_minor
FROM ledger.posting;

CREATE VIEW reporting.day_balance AS
SELECT book_date, lender_id, currency::text AS currency, product_code, account, debit_minor,
       credit_minor, journals
FROM ledger.day_balance;

CREATE VIEW reporting.payment AS
SELECT customer_id, payment_id, direction, line_id, loan_id, lender_id, amount_minor,
       currency::text AS currency, rail, business_date, status, sends, asks, sent_at, sent_on,
       next_act_at, suspended_at, outcome, value_date, rail_reference, failure_code, created_at,
       finished_at
FROM payments.payment;

CREATE VIEW reporting.payment_attempt AS
SELECT t.customer_id, t.payment_id, t.act_no, t.act, t.reference, t.started_at, a.answer,
       a.value_date, a.rail_reference, a.received_at
FROM payments.payment_attempt AS t
LEFT JOIN payments.payment_answer AS a USING (customer_id, payment_id, act_no);

CREATE VIEW reporting.suspense AS
SELECT customer_id, payment_id, case_no, cause, opened_at, resolution, first_person,
       proposed_at, second_person, approved_at
FROM payments.suspense;

CREATE VIEW reporting.difference AS
SELECT customer_id, reference, cause, first_seen_on, last_seen_on, cleared_on, order_minor,
       statement_minor, ledger_minor
FROM payments.difference;

CREATE VIEW reporting.customer AS
SELECT customer_id, status, language, created_at
FROM customers.customer;

CREATE VIEW reporting.reveal AS
SELECT customer_id, reveal_id, purpose, revealed_to, reason, revealed_at
FROM privacy.reveal;

CREATE VIEW reporting.application AS
SELECT customer_id, application_id, product_code, product_version, currency::text AS currency,
       requested_minor, purpose, status, received_at, decided_at, ended_at, outcome, decided_by,
       decision_reason, grade, points, limit_minor, rate_daily_e8, tenors_months, reasons,
       policy_hash, policy_version, valid_until, line_id
FROM decisioning.application;

CREATE VIEW reporting.decision AS
SELECT customer_id, application_id, decision_no, decided_by, outcome, policy_hash, inputs,
       result, reason, decided_at
FROM decisioning.decision;

CREATE VIEW reporting.policy_version AS
SELECT policy_hash, code, version, document, first_used_at
FROM decisioning.policy_version;
