-- Customers whom no channel reaches, and the messages that lie before staff because of it.

-- name: open_case
-- A case for a customer; who has an open one keeps it, and its day only comes nearer.
-- gives   its number
-- locks   the case that is open
INSERT INTO customers.contact_case (
    customer_id, case_id, opened_at, due_on, is_legal, status
)
VALUES (:customer_id, :case_id, :opened_at, :due_on, :is_legal, 'open')
ON CONFLICT (customer_id) WHERE ended_at IS NULL DO UPDATE
SET due_on = least(contact_case.due_on, excluded.due_on),
    is_legal = contact_case.is_legal OR excluded.is_legal
RETURNING case_id;

-- name: add_message
-- The message that could not be delivered belongs to a case.
-- gives   nothing
-- locks   the message
UPDATE customers.message
SET contact_case_id = :case_id
WHERE customer_id = :customer_id AND message_id = :message_id;

-- name: contact_case
-- One case of one customer.
-- gives   at most one row
-- locks   none
SELECT customer_id, case_id, opened_at, due_on, is_legal, status, taken_by, attempts, attempted_at,
       ended_at, ended_by, note
FROM customers.contact_case
WHERE customer_id = :customer_id AND case_id = :case_id;

-- name: case_locked
-- One case, to go on with it; or the open one where no number is given.
-- gives   at most one row
-- locks   the row
SELECT customer_id, case_id, opened_at, due_on, is_legal, status, taken_by, attempts, attempted_at,
       ended_at, ended_by, note
FROM customers.contact_case
WHERE customer_id = :customer_id
  AND CASE WHEN :case_id::bigint IS NULL THEN ended_at IS NULL ELSE case_id = :case_id END
FOR UPDATE;

-- name: change_case
-- How a case moved on that was locked before.
-- gives   nothing
-- locks   the row
UPDATE customers.contact_case
SET status = :status, taken_by = :taken_by, attempts = :attempts, attempted_at = :attempted_at,
    ended_at = :ended_at, ended_by = :ended_by, note = :note
WHERE customer_id = :customer_id AND case_id = :case_id;

-- name: cases_open
-- The queue: customers whom nobody has reached yet, the nearest deadline first.
-- gives   at most :page rows, after the key given
-- turns   is read to both sides of its key
-- locks   none
SELECT customer_id, case_id, opened_at, due_on, is_legal, status, taken_by, attempts, attempted_at,
       ended_at, ended_by, note
FROM customers.contact_case
WHERE ended_at IS NULL
  AND (due_on, case_id) > /*turns*/ (:after_due_on::date, :after_case_id::bigint)
ORDER BY due_on ASC /*turns*/, case_id ASC /*turns*/
LIMIT :page;

-- name: messages_of_case
-- What the customer of a case was to be told, oldest first.
-- gives   at most :page rows
-- locks   none
SELECT m.message_id, m.kind, m.cause, m.is_legal, m.fields, m.status, m.created_at, m.ended_at,
       (SELECT string_agg(a.channel || ' ' || a.outcome, ', ' ORDER BY a.attempt_no)
        FROM customers.message_attempt AS a
        WHERE a.customer_id = m.customer_id AND a.message_id = m.message_id) AS tried
FROM customers.message AS m
WHERE m.customer_id = :customer_id AND m.contact_case_id = :case_id
ORDER BY m.message_id
LIMIT :page;

-- name: queue_again
-- All of a case that nobody could deliver is tried again from the beginning.
-- gives   the number of each message
-- locks   the messages
UPDATE customers.message
SET status = 'queued', attempts = 0, asks = 0, next_act_at = :now, ended_at = NULL
WHERE customer_id = :customer_id AND contact_case_id = :case_id AND status = 'undeliverable'
RETURNING message_id;

-- name: is_settled
-- Whether nothing of a case lies before staff any more.
-- gives   one row
-- locks   none
SELECT NOT EXISTS (
    SELECT 1 FROM customers.message
    WHERE customer_id = :customer_id AND contact_case_id = :case_id AND status = 'undeliverable');
