-- Models, validations, and what happened to them.

-- name: add_model
-- A model's file, once.
-- locks   none but its row
INSERT INTO models.model (
    model_sha256, code, version, kind, owner, data_sha256, document, developer, added_at
) VALUES (
    :model_sha256, :code, :version, :kind, :owner, :data_sha256, :document, :developer, :added_at
);

-- name: model
-- One model without its file.
-- gives   at most one row
-- locks   none
SELECT model_sha256, code, version, kind, owner, data_sha256, developer, added_at
FROM models.model
WHERE model_sha256 = :model_sha256;

-- name: model_of_version
-- The hash that a code and version were registered with.
-- gives   at most one value
-- locks   none
SELECT model_sha256
FROM models.model
WHERE code = :code AND version = :version;

-- name: document
-- The canonical file of a model.
-- gives   at most one value
-- locks   none
SELECT document
FROM models.model
WHERE model_sha256 = :model_sha256;

-- name: models
-- Models, newest first, behind a key.
-- gives   at most :page rows
-- turns   is read to both sides of its key
-- locks   none
SELECT model_sha256, code, version, kind, owner, data_sha256, developer, added_at
FROM models.model
WHERE :beside_sha256::text IS NULL
   OR (added_at, model_sha256) < /*turns*/ (
       SELECT earlier.added_at, earlier.model_sha256
       FROM models.model AS earlier
       WHERE earlier.model_sha256 = :beside_sha256)
ORDER BY added_at DESC /*turns*/, model_sha256 DESC /*turns*/
LIMIT :page;

-- name: lock_model
-- Holds a model so that steps are taken one after another.
-- locks   a lock of the transaction for this hash
SELECT pg_advisory_xact_lock(hashtextextended('models.model:' || :model_sha256::text, 0));

-- name: add_validation
-- A validation that somebody stands behind.
-- locks   none but its row
INSERT INTO models.validation (
    validation_id, model_sha256, data_sha256, report_sha256, report, verdict, accepted, reason,
    validated_by, validated_at, expires_at
) VALUES (
    :validation_id, :model_sha256, :data_sha256, :report_sha256, :report, :verdict, :accepted,
    :reason, :validated_by, :validated_at, :expires_at
);

-- name: latest_validations
-- The last validation of each model.
-- gives   at most one row a model
-- locks   none
SELECT DISTINCT ON (model_sha256)
       validation_id, model_sha256, data_sha256, report_sha256, verdict, accepted, reason,
       validated_by, validated_at, expires_at
FROM models.validation
WHERE model_sha256 = ANY(:model_sha256s)
ORDER BY model_sha256, validation_id DESC;

-- name: report
-- The document of a validation.
-- gives   at most one value
-- locks   none
SELECT report
FROM models.validation
WHERE validation_id = :validation_id;

-- name: add_event
-- Something that happened to a model.
-- locks   none but its row
INSERT INTO models.model_event (
    event_id, model_sha256, act, state, done_by, reason, at, validation_id, approval_id, expires_at
) VALUES (
    :event_id, :model_sha256, :act, :state, :done_by, :reason, :at, :validation_id, :approval_id,
    :expires_at
);

-- name: events
-- What happened to some models, oldest first.
-- gives   every event of each
-- locks   none
SELECT event_id, model_sha256, act, state, done_by, reason, at, validation_id, approval_id,
       expires_at
FROM models.model_event
WHERE model_sha256 = ANY(:model_sha256s)
ORDER BY model_sha256, event_id;

-- name: uses
-- Policies that were published and decide, or decided, by some models; the newest publication first.
-- gives   a row for each publication
-- locks   none
SELECT used.model_sha256, used.policy_hash, used.code, used.version, publication.purpose,
       publication.publication_id, publication.effective_from,
       publication.publication_id = (
           SELECT latest.publication_id
           FROM reporting.policy_publication AS latest
           WHERE latest.purpose = publication.purpose AND latest.effective_from <= :at
           ORDER BY latest.effective_from DESC, latest.publication_id DESC
           LIMIT 1) AS is_in_force
FROM reporting.policy_model AS used
JOIN reporting.policy_publication AS publication ON publication.policy_hash = used.policy_hash
WHERE used.model_sha256 = ANY(:model_sha256s)
ORDER BY used.model_sha256, publication.publication_id DESC;
