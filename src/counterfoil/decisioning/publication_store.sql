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
-- The last report on a version that somebody made and that lets it through.
-- gives   at most one row
-- locks   none
SELECT gate_id, policy_hash, report_sha256, report, passed, made_by, made_at
FROM decisioning.policy_gate
WHERE policy_hash = :policy_hash AND passed
ORDER BY gate_id DESC
LIMIT 1;

-- name: add_publication
-- A version that decides from now on.
-- locks   the gate's report, shared
INSERT INTO decisioning.policy_publication (
    publication_id, policy_hash, gate_id, approval_id, author, approver, published_at
) VALUES (
    :publication_id, :policy_hash, :gate_id, :approval_id, :author, :approver, :published_at
);

-- name: publications
-- Publications, newest first, with the version's name.
-- gives   at most :page rows
-- locks   none
SELECT publication.publication_id, publication.policy_hash, publication.gate_id,
       publication.approval_id, publication.author, publication.approver,
       publication.published_at
FROM decisioning.policy_publication AS publication
ORDER BY publication.publication_id DESC
LIMIT :page;

-- name: published_document
-- The document of the version that was published last.
-- gives   at most one row
-- locks   none
SELECT version.document
FROM decisioning.policy_publication AS publication
JOIN decisioning.policy_version AS version ON version.policy_hash = publication.policy_hash
ORDER BY publication.publication_id DESC
LIMIT 1;

-- name: recorded_inputs
-- Inputs of the policy's own decisions, the newest first.
-- gives   at most :page rows
-- locks   none
SELECT inputs
FROM decisioning.decision
WHERE decided_by = :decided_by
ORDER BY application_id DESC, customer_id DESC, decision_no DESC
LIMIT :page;

-- name: decided_since
-- How many cases a policy version has decided since an instant, and how many it declined.
-- gives   one row
-- locks   none
SELECT count(*) AS cases, count(*) FILTER (WHERE outcome = 'declined') AS declined
FROM decisioning.decision
WHERE decided_by = :decided_by AND policy_hash = :policy_hash AND decided_at > :since;

-- name: verdicts_since
-- How often each rule spoke in the cases that a policy version has declined since an instant.
-- gives   a row for each rule and verdict
-- locks   none
SELECT said.key AS rule_code, said.value AS verdict, count(*) AS cases
FROM decisioning.decision AS decision
CROSS JOIN LATERAL json_each_text(decision.result::json -> 'verdicts') AS said
WHERE decision.decided_by = :decided_by AND decision.policy_hash = :policy_hash
  AND decision.decided_at > :since AND decision.outcome = 'declined' AND said.value <> 'false'
GROUP BY said.key, said.value
ORDER BY said.key, said.value;
