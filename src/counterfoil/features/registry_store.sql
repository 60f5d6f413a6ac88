-- Versions of the registry of features, reports on them, and publications.

-- name: keep_registry
-- A registry under its identity; the same again adds nothing.
-- locks   none
INSERT INTO features.registry_version (sha256, document, kept_at)
VALUES (:sha256, :document, :kept_at)
ON CONFLICT DO NOTHING;

-- name: registry_document
-- The canonical content of a registry.
-- gives   at most one row
-- locks   none
SELECT document
FROM features.registry_version
WHERE sha256 = :sha256;

-- name: registry_documents
-- The canonical content of every registry that was published or asked for; one that ships is kept
-- as well once something was decided under it.
-- gives   one row a registry, the first kept first
-- locks   none
SELECT version.document
FROM features.registry_version AS version
WHERE EXISTS (SELECT FROM features.registry_gate AS gate WHERE gate.sha256 = version.sha256)
ORDER BY version.kept_at, version.sha256;

-- name: add_registry_gate
-- What was found of a registry.
-- locks   the registry, shared
INSERT INTO features.registry_gate (
    gate_id, sha256, before_sha256, report_sha256, report, made_by, made_at
) VALUES (
    :gate_id, :sha256, :before_sha256, :report_sha256, :report, :made_by, :made_at
);

-- name: latest_registry_gate
-- The last report on a registry by which it was not published yet.
-- gives   at most one row
-- locks   none
SELECT gate.gate_id, gate.sha256, gate.before_sha256, gate.report_sha256, gate.report, gate.made_by,
       gate.made_at
FROM features.registry_gate AS gate
WHERE gate.sha256 = :sha256
  AND NOT EXISTS (
      SELECT FROM features.registry_publication AS made WHERE made.gate_id = gate.gate_id
  )
ORDER BY gate.gate_id DESC
LIMIT 1;

-- name: registry_gates_of
-- The reports that somebody asked for approval with, newest first.
-- gives   at most :page rows
-- locks   none
SELECT gate_id, sha256, before_sha256, report_sha256, report, made_by, made_at
FROM features.registry_gate
WHERE made_by = :made_by
ORDER BY gate_id DESC
LIMIT :page;

-- name: hold_registry_publications
-- Publications, so that two of them do not follow the same registry.
-- locks   the table against further publications, until the transaction ends
LOCK TABLE features.registry_publication IN SHARE ROW EXCLUSIVE MODE;

-- name: add_registry_publication
-- A registry that is in force from now on.
-- locks   the report, shared
INSERT INTO features.registry_publication (
    publication_id, sha256, gate_id, approval_id, author, approver, published_at
) VALUES (
    :publication_id, :sha256, :gate_id, :approval_id, :author, :approver, :published_at
);

-- name: registry_publications
-- Publications, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT publication_id, sha256, gate_id, approval_id, author, approver, published_at
FROM features.registry_publication
WHERE publication_id < /*turns*/ :before
ORDER BY publication_id DESC /*turns*/
LIMIT :page;

-- name: registry_in_force
-- The registry that was published last by an instant.
-- gives   at most one row
-- locks   none
SELECT sha256
FROM features.registry_publication
WHERE published_at <= :at
ORDER BY publication_id DESC
LIMIT 1;
