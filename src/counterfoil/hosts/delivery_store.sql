-- Notices to hosts, their attempts, and the secrets that sign them.

-- name: hosts_of_subjects
-- Through which host each of some things was made, with the host's reference of the customer.
-- gives   at most one row for each position of the arrays
-- locks   none
SELECT given.place, s.host_id, l.reference
FROM unnest(:places::integer[], :customer_ids::bigint[], :kinds::text[], :subject_ids::bigint[])
    AS given (place, customer_id, kind, subject_id)
JOIN hosts.subject AS s
  ON s.customer_id = given.customer_id AND s.kind = given.kind
 AND s.subject_id = given.subject_id
JOIN hosts.link AS l ON l.customer_id = s.customer_id AND l.host_id = s.host_id
WHERE l.state = 'confirmed';

-- name: hosts_of_pages
-- Who asked for each of some pages, with the host's reference of the customer.
-- gives   at most one row for each position of the arrays
-- locks   none
SELECT given.place, p.host_id, l.reference
FROM unnest(:places::integer[], :customer_ids::bigint[], :subject_ids::bigint[])
    AS given (place, customer_id, subject_id)
JOIN hosts.page AS p ON p.customer_id = given.customer_id AND p.page_id = given.subject_id
JOIN hosts.link AS l ON l.customer_id = p.customer_id AND l.host_id = p.host_id;

-- name: hosts_of_links
-- The host of each of some links, with its reference of the customer.
-- gives   at most one row for each position of the arrays
-- locks   none
SELECT given.place, l.host_id, l.reference
FROM unnest(:places::integer[], :customer_ids::bigint[], :subject_ids::bigint[])
    AS given (place, customer_id, subject_id)
JOIN hosts.link AS l ON l.customer_id = given.customer_id AND l.host_id = given.subject_id;

-- name: customers_of_hosts
-- Which of some customers any host knows.
-- gives   at most one row a customer
-- locks   none
SELECT DISTINCT customer_id FROM hosts.link
WHERE customer_id = ANY(:customer_ids::bigint[]) AND state = 'confirmed';

-- name: add_deliveries
-- Notices to hosts; one that is there for the same event and host stays as it is.
-- locks   none but its rows
INSERT INTO hosts.delivery (
    customer_id, delivery_id, host_id, event_id, kind, payload, state, next_at, made_at
)
SELECT given.customer_id, given.delivery_id, given.host_id, given.event_id, given.kind,
       given.payload, 'waiting', :at, :at
FROM unnest(:customer_ids::bigint[], :delivery_ids::bigint[], :host_ids::bigint[],
            :event_ids::bigint[], :kinds::text[], :payloads::text[])
    AS given (customer_id, delivery_id, host_id, event_id, kind, payload)
ON CONFLICT ON CONSTRAINT delivery_once DO NOTHING;

-- name: lease_deliveries
-- Takes notices whose time has come, for as long as an attempt lasts.
-- gives   at most :page rows, the earliest due first
-- locks   the rows, passing over those that another worker takes
UPDATE hosts.delivery AS d SET leased_until = :leased_until, attempts = d.attempts + 1
FROM (
    SELECT customer_id, delivery_id
    FROM hosts.delivery
    WHERE state = 'waiting' AND next_at <= :now
      AND (leased_until IS NULL OR leased_until <= :now)
    ORDER BY next_at, delivery_id
    LIMIT :page
    FOR UPDATE SKIP LOCKED
) AS due
WHERE d.customer_id = due.customer_id AND d.delivery_id = due.delivery_id
RETURNING d.customer_id, d.delivery_id, d.host_id, d.event_id, d.kind, d.payload, d.state,
          d.attempts, d.next_at, d.made_at, d.ended_at;

-- name: end_attempt
-- What came of an attempt: the notice is delivered, dead, or tried again later.
-- locks   the row
UPDATE hosts.delivery
SET state = :state, next_at = :next_at, ended_at = :ended_at, leased_until = NULL
WHERE customer_id = :customer_id AND delivery_id = :delivery_id AND state = 'waiting'
  AND attempts = :attempts;

-- name: add_attempt
-- What came of an attempt, kept for whoever asks why.
-- locks   none but its row
INSERT INTO hosts.delivery_attempt (
    customer_id, delivery_id, attempt_no, outcome, http_status, at
) VALUES (:customer_id, :delivery_id, :attempt_no, :outcome, :http_status, :at)
ON CONFLICT ON CONSTRAINT delivery_attempt_pkey DO NOTHING;

-- name: deliveries
-- Notices to one host, or to all where none is named, newest first, with the last attempt.
-- gives   at most :page rows, before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT d.customer_id, d.delivery_id, d.host_id, d.event_id, d.kind, d.payload, d.state, d.attempts,
       d.next_at, d.made_at, d.ended_at,
       (SELECT a.outcome FROM hosts.delivery_attempt AS a
        WHERE a.customer_id = d.customer_id AND a.delivery_id = d.delivery_id
        ORDER BY a.attempt_no DESC LIMIT 1) AS last_outcome
FROM hosts.delivery AS d
WHERE (:host_id::bigint IS NULL OR d.host_id = :host_id)
  AND (:state::text IS NULL OR d.state = :state)
  AND d.delivery_id < /*turns*/ :before
ORDER BY d.delivery_id DESC /*turns*/
LIMIT :page;

-- name: resend_delivery
-- Lets a notice be sent again, from its first pause on, whatever became of it.
-- gives   one row where there is such a notice
-- locks   the row
UPDATE hosts.delivery
SET state = 'waiting', next_at = :now, ended_at = NULL, leased_until = NULL
WHERE delivery_id = :delivery_id AND (:host_id::bigint IS NULL OR host_id = :host_id)
RETURNING customer_id, delivery_id, host_id, event_id, kind, payload, state, attempts, next_at,
          made_at, ended_at;

-- name: add_secret
-- A new secret of a host.
-- locks   none but its row
INSERT INTO hosts.webhook_secret (host_id, secret_id, sealed, made_by, made_at)
VALUES (:host_id, :secret_id, :sealed, :made_by, :made_at);

-- name: end_secrets
-- The secrets of a host that were there before end after their overlap.
-- locks   the rows
UPDATE hosts.webhook_secret SET ends_at = :ends_at
WHERE host_id = :host_id AND (ends_at IS NULL OR ends_at > :ends_at);

-- name: secrets
-- The living secrets of hosts, newest first.
-- gives   a row a secret
-- locks   none
SELECT host_id, secret_id, sealed
FROM hosts.webhook_secret
WHERE host_id = ANY (:host_ids::bigint[]) AND (ends_at IS NULL OR ends_at > :now)
ORDER BY host_id, secret_id DESC;
