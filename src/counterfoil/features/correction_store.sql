-- Corrections of bad records and what people made of the proposals.

-- name: add_corrections
-- What one act found.
-- locks   none but its rows
INSERT INTO features.correction (
    customer_id, correction_id, case_id, source_record, subject_id, decision_no, policy_hash, was,
    is_now, changed, remedy, registry, found_by, reason, found_at
)
SELECT :customer_id, given.correction_id, :case_id, :source_record, given.subject_id,
       given.decision_no, given.policy_hash, given.was, given.is_now,
       string_to_array(given.changed, ','), given.remedy, :registry, :found_by, :reason, :found_at
FROM unnest(
    :correction_ids::bigint[], :subject_ids::bigint[], :decision_nos::smallint[],
    :policy_hashes::text[], :was::text[], :is_now::text[], :changed::text[], :remedies::text[]
) AS given (correction_id, subject_id, decision_no, policy_hash, was, is_now, changed, remedy);

-- name: open_corrections
-- Proposals that nobody has decided on, oldest first; of one customer, or of all.
-- gives   at most :page rows after the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT c.customer_id, c.correction_id, c.case_id, c.source_record, c.subject_id, c.decision_no,
       c.policy_hash, c.was, c.is_now, c.changed, c.remedy, c.registry, c.found_by, c.reason,
       c.found_at
FROM features.correction AS c
WHERE (:customer_id::bigint IS NULL OR c.customer_id = :customer_id)
  AND NOT EXISTS (
      SELECT FROM features.correction_end AS e
      WHERE e.customer_id = c.customer_id AND e.correction_id = c.correction_id
  )
  AND c.correction_id > /*turns*/ :after
ORDER BY c.correction_id ASC /*turns*/
LIMIT :page;

-- name: end_correction
-- What a person made of a proposal, once.
-- gives   one row where the proposal was open
-- locks   none but its row
INSERT INTO features.correction_end (
    customer_id, correction_id, is_taken, ended_by, reason, ended_at
)
SELECT c.customer_id, c.correction_id, :is_taken, :ended_by, :reason, :ended_at
FROM features.correction AS c
WHERE c.customer_id = :customer_id AND c.correction_id = :correction_id
ON CONFLICT (customer_id, correction_id) DO NOTHING
RETURNING correction_id;
