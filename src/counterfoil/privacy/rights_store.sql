-- Requests of persons about their own data, and what was done with them.

-- name: add_request
-- A new request.
-- locks   none but its row
INSERT INTO privacy.rights_request (
    customer_id, request_id, kind, about, said, received_at, received_by, due_on
)
VALUES (
    :customer_id, :request_id, :kind, :about, :said, :received_at, :received_by, :due_on
);

-- name: request
-- One request of one customer.
-- gives   at most one row
-- locks   none
SELECT customer_id, request_id, kind, about, said, received_at, received_by, due_on
FROM privacy.rights_request
WHERE customer_id = :customer_id AND request_id = :request_id;

-- name: request_locked
-- One request, to go on with it.
-- gives   at most one row
-- locks   the row
SELECT customer_id, request_id, kind, about, said, received_at, received_by, due_on
FROM privacy.rights_request
WHERE customer_id = :customer_id AND request_id = :request_id
FOR UPDATE;

-- name: requests_open
-- The queue: what has not ended, the nearest deadline first.
-- gives   at most :page rows
-- locks   none
SELECT r.customer_id, r.request_id, r.kind, r.about, r.said, r.received_at, r.received_by, r.due_on
FROM privacy.rights_request AS r
WHERE NOT EXISTS (
    SELECT 1 FROM privacy.rights_event AS e
    WHERE e.customer_id = r.customer_id AND e.request_id = r.request_id
      AND e.act IN ('answered', 'refused', 'withdrawn'))
ORDER BY r.due_on, r.request_id
LIMIT :page;

-- name: requests_page
-- Requests, ended ones too, newest first.
-- gives   at most :page rows
-- locks   none
SELECT customer_id, request_id, kind, about, said, received_at, received_by, due_on
FROM privacy.rights_request
ORDER BY request_id DESC
LIMIT :page;

-- name: requests_of
-- What one customer asked, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT customer_id, request_id, kind, about, said, received_at, received_by, due_on
FROM privacy.rights_request
WHERE customer_id = :customer_id
  AND request_id < /*turns*/ :before
ORDER BY request_id DESC /*turns*/
LIMIT :page;

-- name: request_events
-- What was done with some requests, in order.
-- gives   a row a thing done
-- locks   none
SELECT e.request_id, e.event_no, e.act, e.person, e.method, e.reason, e.detail, e.at
FROM privacy.rights_event AS e
JOIN unnest(:customer_ids::bigint[], :request_ids::bigint[]) AS wanted (customer_id, request_id)
  ON wanted.customer_id = e.customer_id AND wanted.request_id = e.request_id
ORDER BY e.customer_id, e.request_id, e.event_no;

-- name: add_request_event
-- One more thing that was done.
-- locks   the request, shared
INSERT INTO privacy.rights_event (
    customer_id, request_id, event_no, act, person, method, reason, detail, at
)
VALUES (
    :customer_id, :request_id, :event_no, :act, :person, :method, :reason, :detail, :at
);
