-- Events of customers, quarantine, switches of sources, ends of purposes.

-- name: events_of_customers
-- Every revision of the events of some customers.
-- gives   the rows of the customers
-- locks   none
SELECT customer_id, event_id, kind, source, source_record, revision, is_void, line_id, purpose,
       legal_basis, consent_id, occurred_on, occurred_at, known_at, expires_at, facts
FROM features.event
WHERE customer_id = ANY (:customer_ids::bigint[])
ORDER BY customer_id, event_id;

-- name: lock_told
-- Until when the house's own records of customers have been told, one teller at a time.
-- gives   one row a customer
-- locks   the rows, in the order of their keys
INSERT INTO features.told (customer_id, told_until)
SELECT customer_id, '1970-01-01T00:00:00Z'
FROM unnest(:customer_ids::bigint[]) AS given (customer_id)
ORDER BY customer_id
ON CONFLICT (customer_id) DO UPDATE SET told_until = told.told_until
RETURNING customer_id, told_until;

-- name: note_told
-- Moves on until when records have been told; never back.
-- locks   the rows
UPDATE features.told AS t
SET told_until = given.until
FROM unnest(:customer_ids::bigint[], :until::timestamptz[]) AS given (customer_id, until)
WHERE t.customer_id = given.customer_id AND t.told_until < given.until;

-- name: add_events
-- New events and revisions; one that is there already stays as it is.
-- gives   the numbers of those that were written
-- locks   none but its rows
INSERT INTO features.event (
    customer_id, event_id, kind, source, source_record, revision, is_void, line_id, purpose,
    legal_basis, consent_id, occurred_on, occurred_at, known_at, expires_at, facts
)
SELECT customer_id, event_id, kind, source, source_record, revision, is_void, line_id, purpose,
       legal_basis, consent_id, occurred_on, occurred_at, known_at, expires_at, facts
FROM unnest(:rows::features.event_v1[])
ON CONFLICT (customer_id, source, kind, source_record, revision) DO NOTHING
RETURNING event_id;

-- name: customers_untold
-- Customers in the order of their numbers whose records were last told before an instant.
-- gives   at most :page rows behind the number given, with whether they are due
-- locks   none
SELECT c.customer_id, coalesce(t.told_until < :told_before, true) AS is_due
FROM reporting.customer AS c
LEFT JOIN features.told AS t ON t.customer_id = c.customer_id
WHERE c.customer_id > :after
ORDER BY c.customer_id
LIMIT :page;

-- name: customers_with_events
-- Customers of whom anything is known, in the order of their numbers.
-- gives   at most :page rows behind the number given
-- locks   none
SELECT customer_id
FROM features.told
WHERE customer_id > :after
ORDER BY customer_id
LIMIT :page;

-- name: add_quarantined
-- Holds a malformed event; the same again is held once.
-- gives   its number where it was not held yet
-- locks   none but its row
INSERT INTO features.quarantined (
    customer_id, event_id, kind, source, source_record, line_id, purpose, legal_basis, consent_id,
    occurred_on, occurred_at, expires_at, facts, content_sha256, dropped, reason, member, held_at
)
VALUES (
    :customer_id, :event_id, :kind, :source, :source_record, :line_id, :purpose, :legal_basis,
    :consent_id, :occurred_on, :occurred_at, :expires_at, :facts, :content_sha256, :dropped,
    :reason, :member, :held_at
)
ON CONFLICT (customer_id, content_sha256) DO NOTHING
RETURNING event_id;

-- name: quarantined
-- One malformed event that waits.
-- gives   at most one row
-- locks   the row
SELECT q.customer_id, q.event_id, q.kind, q.source, q.source_record, q.line_id, q.purpose,
       q.legal_basis, q.consent_id, q.occurred_on, q.occurred_at, q.expires_at, q.facts, q.dropped,
       q.reason, q.member, q.held_at
FROM features.quarantined AS q
WHERE q.customer_id = :customer_id AND q.event_id = :event_id
  AND NOT EXISTS (
      SELECT FROM features.quarantine_end AS e
      WHERE e.customer_id = q.customer_id AND e.event_id = q.event_id
  )
FOR UPDATE OF q;

-- name: quarantine_page
-- Malformed events that wait, the oldest first.
-- gives   at most :page rows
-- locks   none
SELECT q.customer_id, q.event_id, q.kind, q.source, q.source_record, q.line_id, q.purpose,
       q.legal_basis, q.consent_id, q.occurred_on, q.occurred_at, q.expires_at, q.facts, q.dropped,
       q.reason, q.member, q.held_at
FROM features.quarantined AS q
WHERE NOT EXISTS (
    SELECT FROM features.quarantine_end AS e
    WHERE e.customer_id = q.customer_id AND e.event_id = q.event_id
)
ORDER BY q.held_at, q.event_id
LIMIT :page;

-- name: end_quarantine
-- Says what became of a malformed event.
-- locks   none but its row
INSERT INTO features.quarantine_end (
    customer_id, event_id, outcome, repaired_id, ended_by, reason, ended_at
)
VALUES (:customer_id, :event_id, :outcome, :repaired_id, :ended_by, :reason, :ended_at);

-- name: switches
-- The last switch of each source.
-- gives   at most one row a source
-- locks   none
SELECT DISTINCT ON (source) source, is_on, licence, assessment_sha256, switched_by, reason,
       switched_at
FROM features.source_switch
ORDER BY source, switch_id DESC;

-- name: add_switch
-- Switches a source.
-- locks   none but its row
INSERT INTO features.source_switch (
    switch_id, source, is_on, assessment_sha256, licence, approval_id, switched_by, reason,
    switched_at
)
VALUES (
    :switch_id, :source, :is_on, :assessment_sha256, :licence, :approval_id, :switched_by, :reason,
    :switched_at
);

-- name: purpose_ends
-- Features that are no longer used for a purpose.
-- gives   every end
-- locks   none
SELECT name, purpose, ended_by, reason, ended_at
FROM features.purpose_end
ORDER BY name, purpose;

-- name: end_purpose
-- Ends the use of a feature for a purpose; an end stays as it is.
-- locks   none but its row
INSERT INTO features.purpose_end (name, purpose, ended_by, reason, ended_at)
VALUES (:name, :purpose, :ended_by, :reason, :ended_at)
ON CONFLICT (name, purpose) DO NOTHING;

-- name: contested_of_customer
-- What a customer says is wrong.
-- gives   at most one row a feature, with the latest instant
-- locks   none
SELECT name, max(contested_at) AS contested_at
FROM features.contested
WHERE customer_id = :customer_id
GROUP BY name
ORDER BY name;

-- name: add_contested
-- Keeps that a customer says that something is wrong.
-- locks   none but its row
INSERT INTO features.contested (customer_id, contested_id, name, contested_at)
VALUES (:customer_id, :contested_id, :name, :contested_at);
