-- Messages to customers: what is to be told, and how telling went.

-- name: add_messages
-- Messages to be sent; one that tells of the same cause is there already.
-- gives   nothing
-- locks   nothing
INSERT INTO customers.message (
    customer_id, message_id, kind, cause, is_legal, fields, status, next_act_at, created_at)
SELECT m.customer_id, m.message_id, m.kind, m.cause, m.is_legal, m.fields, 'queued',
       :now::timestamptz, :now::timestamptz
FROM unnest(
    :customer_ids::bigint[], :message_ids::bigint[], :kinds::text[], :causes::text[],
    :are_legal::boolean[], :fields::text[]
) AS m (customer_id, message_id, kind, cause, is_legal, fields)
ON CONFLICT DO NOTHING;

-- name: take_due
-- Messages whose time has come, kept from others until the lease ends.
-- gives   at most :page rows
-- locks   the messages; those that another worker holds are passed over
UPDATE customers.message AS m
SET next_act_at = :leased_until
FROM (
    SELECT d.customer_id, d.message_id
    FROM customers.message AS d
    WHERE d.next_act_at <= :now
    ORDER BY d.next_act_at
    LIMIT :page
    FOR UPDATE SKIP LOCKED) AS due
WHERE m.customer_id = due.customer_id AND m.message_id = due.message_id
RETURNING m.customer_id, m.message_id, m.kind, m.cause, m.is_legal, m.fields, m.created_at,
          m.attempts, m.status, m.asks;

-- name: add_attempt
-- How one attempt went.
-- gives   nothing
-- locks   nothing
INSERT INTO customers.message_attempt (
    customer_id, message_id, attempt_no, channel, outcome, detail, attempted_at)
SELECT :customer_id, :message_id, coalesce(max(a.attempt_no), 0) + 1, :channel, :outcome, :detail,
       :now
FROM customers.message_attempt AS a
WHERE a.customer_id = :customer_id AND a.message_id = :message_id;

-- name: attempts_at
-- How all attempts at a message went.
-- gives   one row an attempt, in their order
-- locks   none
SELECT a.attempt_no, a.channel, a.outcome, a.detail, a.attempted_at
FROM customers.message_attempt AS a
WHERE a.customer_id = :customer_id AND a.message_id = :message_id
ORDER BY a.attempt_no;

-- name: end_round
-- What a round over the channels, or a question for the receipt, came to.
-- gives   nothing
-- locks   the message
UPDATE customers.message
SET status = :status, attempts = attempts + :rounds, asks = :asks, next_act_at = :next_act_at,
    ended_at = :ended_at
WHERE customer_id = :customer_id AND message_id = :message_id AND status IN ('queued', 'sent');

-- name: send_again
-- What nobody could deliver is tried again from the beginning.
-- gives   one row where it lay there
-- locks   the message
UPDATE customers.message
SET status = 'queued', attempts = 0, asks = 0, next_act_at = :now, ended_at = NULL
WHERE customer_id = :customer_id AND message_id = :message_id AND status = 'undeliverable'
RETURNING message_id;

-- name: undeliverable
-- What nobody could deliver, the oldest first.
-- gives   at most :page rows after the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT m.customer_id, m.message_id, m.kind, m.cause, m.is_legal, m.fields, m.created_at,
       m.ended_at,
       (SELECT string_agg(DISTINCT a.channel || ' ' || a.outcome, ', ')
        FROM customers.message_attempt AS a
        WHERE a.customer_id = m.customer_id AND a.message_id = m.message_id) AS tried
FROM customers.message AS m
WHERE m.status = 'undeliverable' AND m.message_id > /*turns*/ :after
ORDER BY m.message_id ASC /*turns*/
LIMIT :page;

-- name: messages_of_customer
-- A customer's messages with the channel by which each went out, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT m.message_id, m.kind, m.cause, m.is_legal, m.fields, m.status, m.attempts, m.created_at,
       m.ended_at,
       (SELECT a.channel FROM customers.message_attempt AS a
        WHERE a.customer_id = m.customer_id AND a.message_id = m.message_id
          AND a.outcome IN ('sent', 'delivered')
        ORDER BY a.attempt_no DESC LIMIT 1) AS sent_by,
       (SELECT string_agg(a.channel || ' ' || a.outcome, ', ' ORDER BY a.attempt_no)
        FROM customers.message_attempt AS a
        WHERE a.customer_id = m.customer_id AND a.message_id = m.message_id) AS tried
FROM customers.message AS m
WHERE m.customer_id = :customer_id AND m.message_id < /*turns*/ :before
ORDER BY m.message_id DESC /*turns*/
LIMIT :page;
