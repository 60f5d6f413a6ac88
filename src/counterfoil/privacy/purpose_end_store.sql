-- Whose purposes ended, found day by day from what happened on the day.

-- name: last_looked
-- Up to where ends were looked for.
-- gives   at most one row
-- locks   none
SELECT business_date, through_at, through_real
FROM privacy.purpose_end_day
ORDER BY business_date DESC
LIMIT 1;

-- name: note_looked
-- A day was looked through; a second time it stays as it was.
-- locks   none but its row
INSERT INTO privacy.purpose_end_day (business_date, through_at, through_real, ended)
VALUES (:business_date, :through_at, :through_real, :ended)
ON CONFLICT (business_date) DO NOTHING;

-- name: relationships_ended
-- Customers to whom something happened on a day, and with whom nothing is going on any more.
-- gives   a row a customer
-- locks   none
WITH touched AS (
    SELECT customer_id FROM reporting.line_event WHERE book_date = :business_date::date
    UNION
    SELECT customer_id FROM reporting.journal WHERE book_date = :business_date::date
    UNION
    SELECT customer_id FROM reporting.application
    WHERE received_at > :since::timestamptz - :life_days::integer * interval '1 day'
      AND coalesce(ended_at, decided_at) > :since::timestamptz
    UNION
    SELECT customer_id FROM reporting.review WHERE ended_at > :since::timestamptz
    UNION
    SELECT customer_id FROM privacy.rights_event WHERE at > :since::timestamptz
)
SELECT touched.customer_id
FROM touched
WHERE touched.customer_id > 0
  AND NOT EXISTS (
    SELECT 1 FROM reporting.open_business AS open WHERE open.customer_id = touched.customer_id)
ORDER BY touched.customer_id;

-- name: consents_ended
-- Customers of whom a consent ended since an instant, POSIX seconds: whether one for marketing did
-- and none is left, and whether none for anything is left and nothing is going on any more.
-- gives   a row a customer
-- locks   none
SELECT ended.customer_id,
       ended.marketing AND NOT EXISTS (
           SELECT 1 FROM reporting.consent_standing AS running
           WHERE running.customer_id = ended.customer_id AND running.status = 'given'
             AND running.purpose = 'marketing') AS marketing_ended,
       NOT EXISTS (
           SELECT 1 FROM reporting.consent_standing AS running
           WHERE running.customer_id = ended.customer_id AND running.status = 'given')
       AND NOT EXISTS (
           SELECT 1 FROM reporting.open_business AS open
           WHERE open.customer_id = ended.customer_id) AS all_ended
FROM (
    SELECT customer_id, bool_or(purpose = 'marketing') AS marketing
    FROM reporting.consent_standing
    WHERE ended_at > :since::bigint AND ended_at <= :until::bigint
    GROUP BY customer_id
) AS ended
ORDER BY ended.customer_id;

-- name: without_consent
-- Which of some customers have no running consent.
-- gives   a row a customer
-- locks   none
SELECT given.customer_id
FROM unnest(:customer_ids::bigint[]) AS given (customer_id)
WHERE NOT EXISTS (
    SELECT 1 FROM reporting.consent_standing AS running
    WHERE running.customer_id = given.customer_id AND running.status = 'given');

-- name: reports_over
-- Customers of whom a report's data life is over and no other report is left in its life; the
-- report itself goes right after.
-- gives   a row a customer
-- locks   none
SELECT DISTINCT old.customer_id
FROM reporting.bureau_report AS old
WHERE old.expires_at < :now::bigint AND old.erased_at IS NULL
  -- One that a legal hold keeps was reported on its day.
  AND NOT EXISTS (
    SELECT 1 FROM privacy.retention AS r
    WHERE r.customer_id = old.customer_id AND r.data_class = 'report' AND r.state = 'restricted')
  AND NOT EXISTS (
    SELECT 1 FROM reporting.bureau_report AS other
    WHERE other.customer_id = old.customer_id AND other.erased_at IS NULL
      AND other.expires_at >= :now::bigint)
ORDER BY old.customer_id;

-- name: resume_returned
-- Takes back the ends of classes of customers who applied lately and with whom something is going
-- on again; what was erased stays erased.
-- gives   the rows taken back
-- locks   those rows
DELETE FROM privacy.retention AS r
USING (
    SELECT DISTINCT applied.customer_id
    FROM reporting.application AS applied
    JOIN reporting.open_business AS open USING (customer_id)
    WHERE applied.received_at > :since::timestamptz
) AS back
WHERE r.customer_id = back.customer_id AND r.state <> 'erased'
  AND r.data_class = ANY (:classes::text[])
RETURNING r.customer_id, r.data_class;

-- name: resume_asked_again
-- Takes back the ends of reports where one came since, POSIX seconds, also of those that are gone,
-- and of marketing where a consent to it runs again.
-- gives   the rows taken back
-- locks   those rows
DELETE FROM privacy.retention AS r
WHERE (r.state <> 'erased' OR r.data_class = 'report')
  AND ((r.data_class = 'report' AND r.customer_id IN (
          SELECT came.customer_id FROM reporting.inquiry AS came
          JOIN reporting.bureau_report AS report
            ON report.customer_id = came.customer_id AND report.inquiry_id = came.inquiry_id
          WHERE came.asked_at > :since::bigint AND report.erased_at IS NULL))
    OR (r.data_class = 'marketing' AND EXISTS (
          SELECT 1 FROM reporting.consent_standing AS running
          WHERE running.customer_id = r.customer_id AND running.status = 'given'
            AND running.purpose = 'marketing')))
RETURNING r.customer_id, r.data_class;

-- name: over_already
-- Which of some customers' data of a class is over already.
-- gives   a row a customer
-- locks   none
SELECT customer_id
FROM privacy.retention
WHERE customer_id = ANY (:customer_ids::bigint[]) AND data_class = :data_class;
