-- Gate reports and publications.

-- name: add_gate
-- What the gate found of a version.
-- locks   the version, shared
INSERT INTO decisioning.policy_gate (
    gate_id, policy_hash, report_sha256, report, passed, made_by, made_at
) VALUES (
    :gate_id, :policy_hash, :report_sha256, :report, :passed, :made_by, :made_at
);

-- name: latest_gate
-- The last report on a version that somebody made, that lets it through, and by which it was not
-- published yet.
-- gives   at most one row
-- locks   none
SELECT gate.gate_id, gate.policy_hash, gate.report_sha256, gate.report, gate.passed, gate.made_by,
       gate.made_at
FROM decisioning.policy_gate AS gate
WHERE gate.policy_hash = :policy_hash AND gate.passed
  AND NOT EXISTS (
      SELECT FROM decisioning.policy_publication AS made WHERE made.gate_id = gate.gate_id
  )
ORDER BY gate.gate_id DESC
LIMIT 1;

-- name: add_publication
-- A version that decides from an instant on.
-- locks   the gate's report, shared
INSERT INTO decisioning.policy_publication (
    publication_id, policy_hash, purpose, gate_id, approval_id, author, approver, published_at,
    effective_from
) VALUES (
    :publication_id, :policy_hash, :purpose, :gate_id, :approval_id, :author, :approver,
    :published_at, :effective_from
);

-- name: publications
-- Publications, newest first.
-- gives   at most :page rows
-- locks   none
SELECT publication_id, policy_hash, purpose, gate_id, approval_id, author, approver, published_at,
       effective_from
FROM decisioning.policy_publication
ORDER BY publication_id DESC
LIMIT :page;

-- name: publications_in_force
-- What decides at an instant, and before that, by purpose: the last that has become effective.
-- gives   at most :depth rows a purpose, the one in force first
-- locks   none
SELECT ranked.purpose, ranked.publication_id, ranked.policy_hash, ranked.place
FROM (
    SELECT purpose, publication_id, policy_hash,
           row_number() OVER (
               PARTITION BY purpose ORDER BY effective_from DESC, publication_id DESC
           ) AS place
    FROM decisioning.policy_publication
    WHERE effective_from <= :at
) AS ranked
WHERE ranked.place <= :depth
ORDER BY ranked.purpose, ranked.place;

-- name: recorded_inputs
-- Inputs of the policy's own decisions about one kind of question, the newest first.
-- gives   at most :page rows
-- locks   none
SELECT inputs
FROM decisioning.recorded_decision
WHERE decided_by = :decided_by AND about = :about
ORDER BY subject_id DESC, customer_id DESC, decision_no DESC
LIMIT :page;
