-- Impact assessments, and incidents with personal data.

-- name: add_assessment
-- A new assessment; the same text is the same assessment.
-- gives   the number where it was written
-- locks   none but its row
INSERT INTO privacy.assessment (
    assessment_id, processing, subject, document, sha256, author, made_at, review_on, keep_until
)
VALUES (
    :assessment_id, :processing, :subject, :document, :sha256, :author, :made_at, :review_on,
    :keep_until
)
ON CONFLICT ON CONSTRAINT assessment_once DO NOTHING
RETURNING assessment_id;

-- name: assessments
-- Assessments, newest first; one, where its number or hash is given.
-- gives   at most :page rows
-- locks   none
SELECT assessment_id, processing, subject, document, sha256, author, made_at, review_on, keep_until
FROM privacy.assessment
WHERE (:assessment_id::bigint IS NULL OR assessment_id = :assessment_id)
  AND (:sha256::bytea IS NULL OR sha256 = :sha256)
ORDER BY assessment_id DESC
LIMIT :page;

-- name: assessments_about
-- Assessments of one kind of processing about one thing, newest first.
-- gives   at most :page rows
-- locks   none
SELECT assessment_id, processing, subject, document, sha256, author, made_at, review_on, keep_until
FROM privacy.assessment
WHERE processing = :processing AND subject = :subject
ORDER BY assessment_id DESC
LIMIT :page;

-- name: assessment_events
-- What was done with some assessments, in order.
-- gives   a row a thing done
-- locks   none
SELECT assessment_id, act, person, reason, at
FROM privacy.assessment_event
WHERE assessment_id = ANY (:assessment_ids::bigint[])
ORDER BY assessment_id, event_no;

-- name: add_assessment_event
-- One more thing that was done.
-- locks   the assessment, shared
INSERT INTO privacy.assessment_event (assessment_id, event_no, act, person, reason, at)
VALUES (:assessment_id, :event_no, :act, :person, :reason, :at);

-- name: add_incident
-- A new incident.
-- locks   none but its row
INSERT INTO privacy.incident (
    incident_id, document, noticed_at, recorded_at, recorded_by, authority_by, persons_by
)
VALUES (
    :incident_id, :document, :noticed_at, :recorded_at, :recorded_by, :authority_by, :persons_by
);

-- name: incidents
-- Incidents, newest first; one, where its number is given.
-- gives   at most :page rows
-- locks   none
SELECT incident_id, document, noticed_at, recorded_at, recorded_by, authority_by, persons_by
FROM privacy.incident
WHERE :incident_id::bigint IS NULL OR incident_id = :incident_id
ORDER BY incident_id DESC
LIMIT :page;

-- name: incident_events
-- What was done about some incidents, in order.
-- gives   a row a thing done
-- locks   none
SELECT incident_id, event_no, act, person, note, evidence_sha256, at
FROM privacy.incident_event
WHERE incident_id = ANY (:incident_ids::bigint[])
ORDER BY incident_id, event_no;

-- name: add_incident_event
-- One more thing that was done; two at the same moment break on their number.
-- locks   the incident, shared
INSERT INTO privacy.incident_event (
    incident_id, event_no, act, person, note, evidence_sha256, at
)
VALUES (:incident_id, :event_no, :act, :person, :note, :evidence_sha256, :at);
