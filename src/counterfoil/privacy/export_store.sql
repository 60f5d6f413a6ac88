-- Exports: the records of each data set, read from what rooms publish, and what has left. Who asked
-- that processing be restricted is in none but that of the trail.

-- house: allow named-queries – chosen by the data set's code
-- name: rows_of_applications
-- Applications with what was decided on them, for an export.
-- gives   at most :page rows, after the record given
-- locks   none
SELECT customer_id, application_id AS record_id, application_id, product_code, channel, purpose,
       received_at, requested_minor, outcome, grade, limit_minor,
       decided_by <> 'policy' AS is_by_person, decision_reason
FROM reporting.application AS r
WHERE (customer_id, application_id) > (:after_customer::bigint, :after_record::bigint)
  AND NOT EXISTS (
      SELECT 1 FROM reporting.restricted_customer AS x WHERE x.customer_id = r.customer_id)
  AND (:since::date IS NULL OR received_at >= :since)
  AND (:until::date IS NULL OR received_at < :until)
ORDER BY customer_id, application_id
LIMIT :page;

-- house: allow named-queries – chosen by the data set's code
-- name: rows_of_lines
-- Credit lines, for an export.
-- gives   at most :page rows, after the record given
-- locks   none
SELECT customer_id, line_id AS record_id, line_id, product_code, opened_on, status, limit_minor,
       principal_minor
FROM reporting.line AS r
WHERE (customer_id, line_id) > (:after_customer::bigint, :after_record::bigint)
  AND NOT EXISTS (
      SELECT 1 FROM reporting.restricted_customer AS x WHERE x.customer_id = r.customer_id)
  AND (:since::date IS NULL OR opened_on >= :since)
  AND (:until::date IS NULL OR opened_on < :until)
ORDER BY customer_id, line_id
LIMIT :page;

-- house: allow named-queries – chosen by the data set's code
-- name: rows_of_loans
-- Loans, for an export.
-- gives   at most :page rows, after the record given
-- locks   none
SELECT customer_id, loan_id AS record_id, loan_id, line_id, product_code, method, tenor_months,
       start_date, status, bucket, original_minor, principal_minor
FROM reporting.loan AS r
WHERE (customer_id, loan_id) > (:after_customer::bigint, :after_record::bigint)
  AND NOT EXISTS (
      SELECT 1 FROM reporting.restricted_customer AS x WHERE x.customer_id = r.customer_id)
  AND (:since::date IS NULL OR requested_on >= :since)
  AND (:until::date IS NULL OR requested_on < :until)
ORDER BY customer_id, loan_id
LIMIT :page;

-- house: allow named-queries – chosen by the data set's code
-- name: rows_of_consents
-- Consents, for an export.
-- gives   at most :page rows, after the record given
-- locks   none
SELECT customer_id, consent_id AS record_id, consent_id, purpose, notice_code, given_at, status,
       uses, 0 AS zero
FROM reporting.consent AS r
WHERE (customer_id, consent_id) > (:after_customer::bigint, :after_record::bigint)
  AND NOT EXISTS (
      SELECT 1 FROM reporting.restricted_customer AS x WHERE x.customer_id = r.customer_id)
  AND (:since::date IS NULL OR given_at >= :since)
  AND (:until::date IS NULL OR given_at < :until)
ORDER BY customer_id, consent_id
LIMIT :page;

-- house: allow named-queries – chosen by the data set's code
-- name: rows_of_trail
-- Who was looked at, for an export.
-- gives   at most :page rows, after the record given
-- locks   none
SELECT customer_id, trail_id AS record_id, trail_id, at, role, channel, act, outcome, purpose,
       0 AS zero
FROM reporting.trail
WHERE (customer_id, trail_id) > (:after_customer::bigint, :after_record::bigint)
  AND (:since::date IS NULL OR at >= :since)
  AND (:until::date IS NULL OR at < :until)
ORDER BY customer_id, trail_id
LIMIT :page;

-- name: add_export
-- An export that is about to leave.
-- locks   none but its row
INSERT INTO privacy.data_export (
    export_id, dataset, recipient, purpose, assessment, since, until, exported_by, approval_id,
    approved_by, group_min, row_count, person_count, left_out_count, smallest_group, unique_ppm,
    texts_hidden, sha256, exported_at
) VALUES (
    :export_id, :dataset, :recipient, :purpose, :assessment, :since, :until, :exported_by,
    :approval_id, :approved_by, :group_min, :row_count, :person_count, :left_out_count,
    :smallest_group, :unique_ppm, :texts_hidden, :sha256, :exported_at
);

-- name: exports
-- What has left, newest first.
-- gives   at most :page rows, before the export given
-- locks   none
SELECT export_id, dataset, recipient, purpose, assessment, since, until, exported_by, approval_id,
       approved_by, group_min, row_count, person_count, left_out_count, smallest_group, unique_ppm,
       texts_hidden, sha256, exported_at
FROM privacy.data_export
WHERE export_id < :before
ORDER BY export_id DESC
LIMIT :page;
