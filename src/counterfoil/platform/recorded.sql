-- name: commands_of_range
-- The recorded commands of a range of customers.
-- gives   the commands of customers after one and up to another, in the order of acceptance
-- locks   none
SELECT c.customer_id, c.idempotency_key, c.kind, c.answer, c.accepted_at
FROM platform.command AS c
WHERE c.customer_id > :after AND c.customer_id <= :through
ORDER BY c.customer_id, c.accepted_at, c.idempotency_key;

-- name: answers_of
-- Answers of one customer's commands.
-- gives   at most one row a key
-- locks   none
SELECT c.idempotency_key, c.kind, c.answer
FROM platform.command AS c
WHERE c.customer_id = :customer_id AND c.idempotency_key = ANY (:keys::text[])
ORDER BY c.idempotency_key;
