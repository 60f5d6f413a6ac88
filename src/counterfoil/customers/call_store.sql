-- Requests for a call, and what customers chose about the pages.

-- name: add_call
-- A new request; a customer who waits for a call already keeps the first one.
-- gives   one row where it was written
-- locks   none but its row
INSERT INTO customers.call_request (
    customer_id, call_id, about, slot, said, requested_at, requested_by, due_on, status
)
VALUES (
    :customer_id, :call_id, :about, :slot, :said, :requested_at, :requested_by, :due_on, 'waiting'
)
ON CONFLICT DO NOTHING
RETURNING call_id;

-- name: open_call_of
-- The request of a customer that is open.
-- gives   at most one row
-- locks   none
SELECT customer_id, call_id, about, slot, said, requested_at, requested_by, due_on, status,
       taken_by, missed, missed_at, ended_at, ended_by, note
FROM customers.call_request
WHERE customer_id = :customer_id AND ended_at IS NULL;

-- name: call
-- One request of one customer.
-- gives   at most one row
-- locks   none
SELECT customer_id, call_id, about, slot, said, requested_at, requested_by, due_on, status,
       taken_by, missed, missed_at, ended_at, ended_by, note
FROM customers.call_request
WHERE customer_id = :customer_id AND call_id = :call_id;

-- name: call_locked
-- One request, to go on with it.
-- gives   at most one row
-- locks   the row
SELECT customer_id, call_id, about, slot, said, requested_at, requested_by, due_on, status,
       taken_by, missed, missed_at, ended_at, ended_by, note
FROM customers.call_request
WHERE customer_id = :customer_id AND call_id = :call_id
FOR UPDATE;

-- name: change_call
-- How a request moved on that was locked before.
-- locks   the row
UPDATE customers.call_request
SET status = :status, taken_by = :taken_by, missed = :missed, missed_at = :missed_at,
    ended_at = :ended_at, ended_by = :ended_by, note = :note
WHERE customer_id = :customer_id AND call_id = :call_id;

-- name: calls_open
-- The queue: whoever waits for a call, the nearest deadline first.
-- gives   at most :page rows, after the key given
-- turns   is read to both sides of its key
-- locks   none
SELECT customer_id, call_id, about, slot, said, requested_at, requested_by, due_on, status,
       taken_by, missed, missed_at, ended_at, ended_by, note
FROM customers.call_request
WHERE ended_at IS NULL
  AND (due_on, call_id) > /*turns*/ (:after_due_on::date, :after_call_id::bigint)
ORDER BY due_on ASC /*turns*/, call_id ASC /*turns*/
LIMIT :page;

-- name: calls_of_customer
-- The requests of one customer, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT customer_id, call_id, about, slot, said, requested_at, requested_by, due_on, status,
       taken_by, missed, missed_at, ended_at, ended_by, note
FROM customers.call_request
WHERE customer_id = :customer_id
  AND call_id < /*turns*/ :before
ORDER BY call_id DESC /*turns*/
LIMIT :page;

-- name: add_plain_choice
-- What a customer chose about the pages.
-- locks   none but its row
INSERT INTO customers.plain_choice (customer_id, choice_id, is_plain, chosen_at)
VALUES (:customer_id, :choice_id, :is_plain, :chosen_at);

-- name: plain_choice
-- The last word of a customer about the pages.
-- gives   at most one row
-- locks   none
SELECT is_plain
FROM customers.plain_choice
WHERE customer_id = :customer_id
ORDER BY choice_id DESC
LIMIT 1;
