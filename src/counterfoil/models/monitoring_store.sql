-- What monitoring found of models, and which segments are held back.

-- name: add_monitoring
-- Figures of models and segments over a span.
-- locks   none but its rows
INSERT INTO models.monitoring (
    monitoring_id, model_sha256, segment, since, until, cases, level, document, owner, due_on,
    made_at
)
SELECT monitoring_id, :model_sha256, segment, :since, :until, cases, level, document, :owner,
       due_on, :made_at
FROM unnest(
    :monitoring_ids::bigint[], :segments::text[], :cases::bigint[], :levels::text[],
    :documents::text[], :due_ons::date[]
) AS given (monitoring_id, segment, cases, level, document, due_on);

-- name: monitorings
-- What was found of a model, newest first, behind a number.
-- gives   at most :page rows
-- locks   none
SELECT monitoring_id, model_sha256, segment, since, until, cases, level, document, owner, due_on,
       made_at
FROM models.monitoring
WHERE model_sha256 = :model_sha256 AND monitoring_id < :before
ORDER BY monitoring_id DESC
LIMIT :page;

-- name: latest_monitorings
-- The last figures of each model and segment.
-- gives   at most one row for each
-- locks   none
SELECT DISTINCT ON (model_sha256, segment)
       monitoring_id, model_sha256, segment, since, until, cases, level, document, owner, due_on,
       made_at
FROM models.monitoring
WHERE model_sha256 = ANY(:model_sha256s)
ORDER BY model_sha256, segment, monitoring_id DESC;

-- name: add_hold
-- Automatic approvals of a segment begin or cease to be held back.
-- locks   none but its row
INSERT INTO models.hold (
    hold_id, model_sha256, segment, is_held, monitoring_id, done_by, reason, at
) VALUES (
    :hold_id, :model_sha256, :segment, :is_held, :monitoring_id, :done_by, :reason, :at
);

-- name: held_segments
-- Segments of models that are held back now.
-- gives   a row for each
-- locks   none
SELECT model_sha256, segment, reason, at
FROM (
    SELECT DISTINCT ON (model_sha256, segment) model_sha256, segment, is_held, reason, at
    FROM models.hold
    WHERE model_sha256 = ANY(:model_sha256s)
    ORDER BY model_sha256, segment, hold_id DESC
) AS latest
WHERE is_held
ORDER BY model_sha256, segment;

-- name: add_stress
-- What a scenario would do.
-- locks   none but its row
INSERT INTO models.stress (
    stress_id, model_sha256, data_sha256, scenario_sha256, document, made_by, made_at
) VALUES (
    :stress_id, :model_sha256, :data_sha256, :scenario_sha256, :document, :made_by, :made_at
);

-- name: stresses
-- What scenarios would do with a model, newest first.
-- gives   at most :page rows
-- locks   none
SELECT stress_id, model_sha256, data_sha256, scenario_sha256, document, made_by, made_at
FROM models.stress
WHERE model_sha256 = :model_sha256
ORDER BY stress_id DESC
LIMIT :page;
