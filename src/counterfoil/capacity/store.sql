-- Statements, what customers state, debts in reports, and runs of the guard.

-- name: add_statement
-- A statement with its file sealed; a second one of the same account and span is refused.
-- locks   none but its row
INSERT INTO capacity.statement (
    customer_id, statement_id, consent_id, use_no, form, account_digest, file_sha256, currency,
    first_date, last_date, lines_count, categories, rules_version, brought_by, received_at,
    expires_at, sealed
) VALUES (
    :customer_id, :statement_id, :consent_id, :use_no, :form, :account_digest, :file_sha256,
    :currency, :first_date, :last_date, :lines_count, :categories, :rules_version, :brought_by,
    :received_at, :expires_at, :sealed
);

-- name: add_statement_months
-- The months of a statement.
-- locks   none but its rows
INSERT INTO capacity.statement_month (
    customer_id, statement_id, month, is_whole, income_minor, debt_minor, living_minor,
    borrowed_minor, moved_minor, uncategorised_minor
)
SELECT r.customer_id, r.statement_id, r.month, r.is_whole, r.income_minor, r.debt_minor,
       r.living_minor, r.borrowed_minor, r.moved_minor, r.uncategorised_minor
FROM unnest(:rows::capacity.statement_month_v1[]) AS r;

-- name: statements_of_customer
-- A customer's statements, newest first, without what is sealed.
-- gives   at most :page rows
-- locks   none
SELECT customer_id, statement_id, consent_id, use_no, form, account_digest, file_sha256, currency,
       first_date, last_date, lines_count, categories, rules_version, brought_by, received_at,
       expires_at, erased_at
FROM capacity.statement
WHERE customer_id = :customer_id
ORDER BY statement_id DESC
LIMIT :page;

-- name: sealed_statement
-- One statement with its file as far as it is still there, and until when it may be read.
-- gives   at most one row
-- locks   none
SELECT customer_id, statement_id, form, currency, sealed, expires_at
FROM capacity.statement
WHERE customer_id = :customer_id AND statement_id = :statement_id;

-- name: statements_overlapping
-- Living statements of an account that share a day with a span.
-- gives   at most :page rows
-- locks   none
SELECT statement_id, first_date, last_date
FROM capacity.statement
WHERE customer_id = :customer_id AND account_digest = :account_digest AND erased_at IS NULL
  AND first_date <= :last_date AND last_date >= :first_date
ORDER BY statement_id
LIMIT :page;

-- name: months_of_customers
-- Months of living statements of many customers, each with the consent that they rest on.
-- gives   the rows of the customers
-- locks   none
SELECT m.customer_id, m.month, m.is_whole, m.income_minor, m.debt_minor, m.living_minor,
       m.borrowed_minor, m.moved_minor, m.uncategorised_minor, s.consent_id
FROM capacity.statement_month AS m
JOIN capacity.statement AS s
  ON s.customer_id = m.customer_id AND s.statement_id = m.statement_id
WHERE m.customer_id = ANY (:customer_ids::bigint[]) AND s.erased_at IS NULL
  AND s.expires_at > :now
ORDER BY m.customer_id, m.month, m.statement_id;

-- name: expired_statements
-- Statements whose life is over, under their locks; a legal hold keeps them.
-- gives   at most :page rows
-- locks   its rows
SELECT customer_id, statement_id
FROM capacity.statement
WHERE erased_at IS NULL AND expires_at <= :now
  AND customer_id NOT IN (SELECT h.customer_id FROM reporting.customer_on_hold AS h)
ORDER BY expires_at, customer_id, statement_id
LIMIT :page
FOR UPDATE SKIP LOCKED;

-- name: erase_statements
-- Destroys what is sealed of statements.
-- locks   its rows
UPDATE capacity.statement AS s
SET sealed = NULL, erased_at = :erased_at
FROM unnest(:customer_ids::bigint[], :statement_ids::bigint[]) AS given (customer_id, statement_id)
WHERE s.customer_id = given.customer_id AND s.statement_id = given.statement_id
  AND s.erased_at IS NULL;

-- name: erase_statement_months
-- Removes the months of statements that are gone.
-- locks   its rows
DELETE FROM capacity.statement_month AS m
USING unnest(:customer_ids::bigint[], :statement_ids::bigint[]) AS given (customer_id, statement_id)
WHERE m.customer_id = given.customer_id AND m.statement_id = given.statement_id;

-- name: end_statements_of_consent
-- Ends the life of living statements that rest on one consent: from now on nobody reads them.
-- gives   customer and statement of those that no legal hold keeps
-- locks   its rows
WITH ended AS (
    UPDATE capacity.statement
    SET expires_at = least(expires_at, :now)
    WHERE customer_id = :customer_id AND consent_id = :consent_id AND erased_at IS NULL
    RETURNING customer_id, statement_id
)
SELECT customer_id, statement_id
FROM ended
WHERE customer_id NOT IN (SELECT h.customer_id FROM reporting.customer_on_hold AS h)
ORDER BY statement_id;

-- name: nothing_sealed
-- Customers of whom a statement went since an instant, and none is there any more.
-- gives   at most one row a customer
-- locks   none
SELECT DISTINCT gone.customer_id
FROM capacity.statement AS gone
WHERE gone.erased_at >= :since
  AND NOT EXISTS (
      SELECT FROM capacity.statement AS other
      WHERE other.customer_id = gone.customer_id AND other.erased_at IS NULL)
ORDER BY gone.customer_id;

-- name: add_declaration
-- What a customer states.
-- locks   none but its row
INSERT INTO capacity.declaration (
    customer_id, declaration_id, consent_id, income_monthly_minor, documented_monthly_minor, region,
    dependants, debt_monthly_minor, lenders_count, debts, stated_on, stated_at, taken_by
) VALUES (
    :customer_id, :declaration_id, :consent_id, :income_monthly_minor, :documented_monthly_minor,
    :region, :dependants, :debt_monthly_minor, :lenders_count, :debts, :stated_on, :stated_at,
    :taken_by
);

-- name: latest_declarations
-- What many customers stated last.
-- gives   at most one row a customer
-- locks   none
SELECT DISTINCT ON (customer_id)
       customer_id, declaration_id, consent_id, income_monthly_minor, documented_monthly_minor,
       region, dependants, debt_monthly_minor, lenders_count, debts, stated_on
FROM capacity.declaration
WHERE customer_id = ANY (:customer_ids::bigint[])
ORDER BY customer_id, declaration_id DESC;

-- name: keep_reported_debts
-- Debts of reports that were opened; once for each report.
-- locks   none but its rows
INSERT INTO capacity.reported_debts (
    customer_id, report_id, consent_id, purpose, made_on, debts, searches, received_at, expires_at
)
SELECT r.customer_id, r.report_id, r.consent_id, r.purpose, r.made_on, r.debts, r.searches,
       r.received_at, r.expires_at
FROM unnest(:rows::capacity.reported_debts_v1[]) AS r
ON CONFLICT (customer_id, report_id) DO NOTHING;

-- name: latest_reported_debts
-- The newest living debts in reports of many customers, for any of the purposes.
-- gives   at most one row a customer
-- locks   none
SELECT DISTINCT ON (customer_id)
       customer_id, report_id, consent_id, made_on, debts, searches
FROM capacity.reported_debts
WHERE customer_id = ANY (:customer_ids::bigint[]) AND purpose = ANY (:purposes::text[])
  AND expires_at > :now
ORDER BY customer_id, report_id DESC;

-- name: erase_reported_debts
-- Removes debts of reports whose life is over; a legal hold keeps them.
-- locks   its rows
DELETE FROM capacity.reported_debts
WHERE expires_at <= :now
  AND customer_id NOT IN (SELECT h.customer_id FROM reporting.customer_on_hold AS h);

-- name: ceilings_by_hash
-- A document of ceilings.
-- gives   at most one row
-- locks   none
SELECT body FROM capacity.ceilings WHERE sha256 = :sha256;

-- name: add_guard_runs
-- Runs of the guard, and the document of ceilings that they ran under, once.
-- locks   none but its rows
WITH document AS (
    INSERT INTO capacity.ceilings (sha256, version, body, kept_at)
    VALUES (:sha256, :version, :body, :kept_at)
    ON CONFLICT (sha256) DO NOTHING
)
INSERT INTO capacity.guard_run (
    customer_id, run_id, occasion, subject_id, as_of, ran_at, outcome, cap_minor, cap_by, hits,
    ceilings, inputs, result
)
SELECT r.customer_id, r.run_id, r.occasion, r.subject_id, r.as_of, r.ran_at, r.outcome,
       r.cap_minor, r.cap_by, r.hits, r.ceilings, r.inputs, r.result
FROM unnest(:rows::capacity.guard_run_v1[]) AS r;

-- name: runs_of_customer
-- A customer's runs, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT customer_id, run_id, occasion, subject_id, as_of, ran_at, outcome, cap_minor, cap_by, hits,
       ceilings, inputs, result
FROM capacity.guard_run
WHERE customer_id = :customer_id AND run_id < /*turns*/ :before
ORDER BY run_id DESC /*turns*/
LIMIT :page;

-- name: runs_after
-- All runs in the order of customer and number, for whoever runs them again.
-- gives   at most :page rows after the key given
-- locks   none
SELECT customer_id, run_id, occasion, subject_id, as_of, ran_at, outcome, cap_minor, cap_by, hits,
       ceilings, inputs, result
FROM capacity.guard_run
WHERE (customer_id, run_id) > (:after_customer_id, :after_run_id)
ORDER BY customer_id, run_id
LIMIT :page;

-- name: portfolio_outcomes
-- Customers by the outcome of their latest run.
-- gives   one row an outcome
-- locks   none
SELECT outcome, count(*) AS customers
FROM capacity.latest_run
GROUP BY outcome
ORDER BY outcome;

-- name: portfolio_hits
-- Customers whose latest run reached a ceiling, by ceiling and end.
-- gives   one row a ceiling and end
-- locks   none
SELECT hit, count(*) AS customers
FROM capacity.latest_run, unnest(hits) AS hit
GROUP BY hit
ORDER BY hit;

-- name: portfolio_trend
-- By month: persons looked at, and persons of them who were refused or above a ceiling.
-- gives   one row a month, at most :page, latest first
-- locks   none
SELECT date_trunc('month', as_of)::date AS month, count(DISTINCT customer_id) AS customers,
       count(DISTINCT customer_id) FILTER (WHERE outcome = 'refuse') AS refused,
       count(DISTINCT customer_id) FILTER (WHERE cardinality(hits) > 0) AS above
FROM capacity.guard_run
GROUP BY 1
ORDER BY 1 DESC
LIMIT :page;

-- name: portfolio_trend_hits
-- By month since a day: persons of whom a run reached a ceiling, by ceiling and end.
-- gives   one row a month, ceiling and end
-- locks   none
SELECT date_trunc('month', as_of)::date AS month, hit, count(DISTINCT customer_id) AS customers
FROM capacity.guard_run, unnest(hits) AS hit
WHERE as_of >= :since
GROUP BY 1, 2
ORDER BY 1, 2;

-- name: losses_by_band
-- What was lent since a day, by month and by the band of a measure as the guard had last measured
-- it when the loan was asked for; what is owed of it, and lost: at least 90 days past due. Edges
-- are where the second band and those after it begin; a figure that is not known has no band.
-- gives   one row a band, month and currency
-- locks   none
SELECT CASE WHEN known.figure IS NOT NULL THEN width_bucket(known.figure, :edges::bigint[]) END
           AS band,
       date_trunc('month', o.requested_on)::date AS month, o.currency, count(*) AS loans,
       sum(o.original_minor)::bigint AS lent_minor,
       coalesce(sum(o.principal_minor) FILTER (WHERE o.status = 'open'), 0)::bigint AS owed_minor,
       coalesce(sum(o.principal_minor) FILTER (
           WHERE o.status = 'open' AND o.days_past_due >= 90), 0)::bigint AS lost_minor
FROM reporting.loan AS o
LEFT JOIN LATERAL (
    SELECT (r.result::jsonb -> 'measures' -> :measure::text ->> 'value')::bigint AS figure
    FROM capacity.guard_run AS r
    WHERE r.customer_id = o.customer_id AND r.as_of <= o.requested_on
    ORDER BY r.run_id DESC
    LIMIT 1
) AS known ON true
WHERE o.requested_on >= :since AND o.status IN ('open', 'closed')
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;

-- name: latest_outcomes
-- The outcome of the latest run of a page of customers.
-- gives   at most :page rows after the number given
-- locks   none
SELECT customer_id, outcome
FROM capacity.latest_run
WHERE customer_id > :after
ORDER BY customer_id
LIMIT :page;
