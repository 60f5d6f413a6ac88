-- name: figures
-- What came of a lender's days, in the figures that the demonstration reports. A repayment is
-- money that came in: what was paid out of a customer's credit came in before.
-- gives   one row
-- locks   none
SELECT
    (SELECT count(*) FROM reporting.application) AS applications,
    (SELECT count(*) FROM reporting.application WHERE outcome = 'approved') AS approved,
    (SELECT count(*) FROM reporting.application WHERE outcome = 'declined') AS declined,
    (SELECT count(*) FROM reporting.application WHERE outcome = 'referred') AS referred,
    (SELECT count(*) FROM reporting.line) AS lines,
    t.drawdowns, t.drawn_minor, t.repayments, t.repaid_minor, t.bounced,
    (SELECT coalesce(sum(amount_minor - coalesce(bounced_part_minor, 0)), 0)::bigint
     FROM reporting.credit_return
     WHERE status = 'paid' OR bounced_part_minor IS NOT NULL) AS credit_returned_minor,
    l.open, l.closed, l.cancelled, l.pending, l.overdue,
    (SELECT b.business_date FROM reporting.business_date AS b) AS business_date,
    (SELECT count(*) FROM reporting.close_step WHERE step = 'finished') AS days_closed
FROM (
    SELECT count(*) FILTER (WHERE kind = 'disbursement') AS drawdowns,
           coalesce(sum(amount_minor) FILTER (WHERE kind = 'disbursement'), 0)::bigint
               AS drawn_minor,
           count(DISTINCT (customer_id, repayment_id)) FILTER (WHERE kind = 'repayment')
               - count(DISTINCT (customer_id, repayment_id)) FILTER (WHERE kind = 'reversal')
               AS repayments,
           coalesce(sum(amount_minor) FILTER (WHERE kind <> 'disbursement'), 0)::bigint
               AS repaid_minor,
           count(DISTINCT (customer_id, repayment_id)) FILTER (WHERE kind = 'reversal')
               AS bounced
    FROM reporting.loan_transaction
    WHERE channel <> 'credit') AS t
CROSS JOIN (
    SELECT count(*) FILTER (WHERE status = 'open') AS open,
           count(*) FILTER (WHERE status = 'closed') AS closed,
           count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
           count(*) FILTER (WHERE status = 'pending') AS pending,
           count(*) FILTER (WHERE status = 'open' AND days_past_due > 0) AS overdue
    FROM reporting.loan) AS l;

-- name: proof_figures
-- Consents that were given, inquiries made, and reports that served a second time.
-- gives   one row
-- locks   none
SELECT
    (SELECT count(*) FROM reporting.consent) AS consents,
    (SELECT count(*) FROM reporting.inquiry) AS inquiries,
    (SELECT count(*) FROM reporting.report_opening WHERE is_reuse) AS reused_reports;

-- name: reviews_since
-- Reviews after one that came to something, with the measure that each took.
-- gives   the rows, oldest first
-- locks   none
SELECT r.customer_id, r.review_id, r.line_id, r.outcome, r.to_minor, m.measure_id
FROM reporting.line_review AS r
LEFT JOIN reporting.line_measure AS m
  ON m.customer_id = r.customer_id AND m.line_id = r.line_id AND m.review_id = r.review_id
WHERE r.outcome <> 'unchanged' AND r.review_id > :after
ORDER BY r.review_id;

-- name: limit_figures
-- What became of limits.
-- gives   one row
-- locks   none
SELECT
    (SELECT count(*) FROM reporting.line_review) AS reviews,
    (SELECT count(*) FROM reporting.line_review WHERE outcome = 'offered') AS offered,
    e.raised, e.lowered, e.frozen, e.suspended, e.reinstated,
    (SELECT count(*) FROM reporting.line_appeal) AS appeals
FROM (
    SELECT count(*) FILTER (WHERE kind = 'limit_raised') AS raised,
           count(*) FILTER (WHERE kind = 'limit_lowered') AS lowered,
           count(*) FILTER (WHERE kind = 'frozen') AS frozen,
           count(*) FILTER (WHERE kind = 'suspended') AS suspended,
           count(*) FILTER (WHERE kind = 'reinstated') AS reinstated
    FROM reporting.line_event) AS e;

-- name: buckets
-- Open loans and their principal by bucket.
-- gives   one row a bucket that has loans
-- locks   none
SELECT bucket, count(*) AS loans, sum(principal_minor)::bigint AS principal_minor
FROM reporting.loan
WHERE status = 'open'
GROUP BY bucket
ORDER BY bucket;

-- name: has_doubts
-- Whether the rail has not said yet what became of some payout.
-- gives   one value
-- locks   none
SELECT EXISTS (
    SELECT 1 FROM reporting.payment
    WHERE status IN ('sent', 'unknown') AND outcome IS NULL AND suspended_at IS NULL) AS has_doubts;
