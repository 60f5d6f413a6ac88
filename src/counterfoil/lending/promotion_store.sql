-- Promotions, what is left of their budgets, and what drawdowns took of them.

-- name: add_promotion
-- A promotion that two people signed.
-- locks   none but its row
INSERT INTO lending.promotion (
    promotion_id, code, sha256, document, begins_on, ends_on, currency, budget_minor, uses_most,
    funder, author, approver, approval_id, published_at
) VALUES (
    :promotion_id, :code, :sha256, :document, :begins_on, :ends_on, :currency, :budget_minor,
    :uses_most, :funder, :author, :approver, :approval_id, :published_at
);

-- name: add_portions
-- The budget of a promotion, dealt out.
-- locks   none but its rows
INSERT INTO lending.promotion_portion (promotion_id, portion_no, left_minor, left_uses)
SELECT :promotion_id, dealt.portion_no, dealt.left_minor, dealt.left_uses
FROM unnest(:amounts_minor::bigint[], :uses::bigint[])
    WITH ORDINALITY AS dealt (left_minor, left_uses, portion_no);

-- name: promotion_of_code
-- A promotion by its code.
-- gives   at most one row
-- locks   none
SELECT p.promotion_id, p.sha256
FROM lending.promotion AS p
WHERE p.code = :code;

-- name: promotions_on
-- Promotions in force on a date that may have something left.
-- gives   at most :page rows
-- locks   none
SELECT p.promotion_id, p.document
FROM lending.promotion AS p
WHERE p.begins_on <= :on_date AND :on_date < p.ends_on
  AND NOT EXISTS (SELECT 1 FROM lending.promotion_stop AS s WHERE s.promotion_id = p.promotion_id)
  AND EXISTS (SELECT 1 FROM lending.promotion_portion AS q
              WHERE q.promotion_id = p.promotion_id AND q.left_minor > 0 AND q.left_uses > 0)
ORDER BY p.promotion_id
LIMIT :page;

-- name: promotion_still_on
-- A promotion in force on a date.
-- gives   at most one row
-- locks   none
SELECT p.document
FROM lending.promotion AS p
WHERE p.promotion_id = :promotion_id AND p.begins_on <= :on_date AND :on_date < p.ends_on
  AND NOT EXISTS (SELECT 1 FROM lending.promotion_stop AS s WHERE s.promotion_id = p.promotion_id);

-- name: hold_customer
-- Lets a customer's drawdowns under a promotion come one after the other.
-- locks   customer and promotion until the transaction ends
SELECT pg_advisory_xact_lock(hashtextextended('promotion ' || (:promotion_id::bigint)::text, :customer_id));

-- name: uses_of_customer
-- How often a customer used each of some promotions, or is about to; and under this key before.
-- gives   a row a promotion that the customer used
-- locks   none
SELECT u.promotion_id, count(*) AS uses,
       count(*) FILTER (WHERE u.idempotency_key = :key) AS under_key
FROM lending.promotion_use AS u
WHERE u.customer_id = :customer_id AND u.promotion_id = ANY (:promotion_ids::bigint[])
  AND u.state <> 'released'
GROUP BY u.promotion_id;

-- name: take_free
-- Takes a use of a portion that nobody else is taking from at this moment.
-- gives   the portion, no row where none is free that holds as much
-- locks   that portion
UPDATE lending.promotion_portion AS p
SET left_minor = p.left_minor - :cost_minor, left_uses = p.left_uses - 1
FROM (
    SELECT q.portion_no
    FROM lending.promotion_portion AS q
    WHERE q.promotion_id = :promotion_id AND q.left_minor >= :cost_minor AND q.left_uses > 0
    ORDER BY (q.portion_no + :start) % 17, q.portion_no
    LIMIT 1
    FOR UPDATE SKIP LOCKED
) AS free
WHERE p.promotion_id = :promotion_id AND p.portion_no = free.portion_no
RETURNING p.portion_no;

-- name: take_waiting
-- Takes a use of any portion that holds as much; waits for whoever is taking from it.
-- gives   the portion, no row where none holds as much
-- locks   that portion
UPDATE lending.promotion_portion AS p
SET left_minor = p.left_minor - :cost_minor, left_uses = p.left_uses - 1
FROM (
    SELECT q.portion_no
    FROM lending.promotion_portion AS q
    WHERE q.promotion_id = :promotion_id AND q.left_minor >= :cost_minor AND q.left_uses > 0
    ORDER BY q.left_minor DESC, q.portion_no
    LIMIT 1
    FOR UPDATE
) AS found
WHERE p.promotion_id = :promotion_id AND p.portion_no = found.portion_no
  AND p.left_minor >= :cost_minor AND p.left_uses > 0
RETURNING p.portion_no;

-- name: put_use
-- What a drawdown took; one that was given back under the same key is taken again.
-- locks   its row
INSERT INTO lending.promotion_use (
    customer_id, idempotency_key, promotion_id, portion_no, cost_minor, rate_daily_e8,
    rate_without_daily_e8, state, held_at
) VALUES (
    :customer_id, :key, :promotion_id, :portion_no, :cost_minor, :rate_daily_e8,
    :rate_without_daily_e8, 'held', :at
)
ON CONFLICT ON CONSTRAINT promotion_use_pkey DO UPDATE
SET promotion_id = excluded.promotion_id, portion_no = excluded.portion_no,
    cost_minor = excluded.cost_minor, rate_daily_e8 = excluded.rate_daily_e8,
    rate_without_daily_e8 = excluded.rate_without_daily_e8, state = 'held',
    held_at = excluded.held_at, settled_at = NULL, loan_id = NULL;

-- name: settle_used
-- The loan of a drawdown stands in the books.
-- locks   its row
UPDATE lending.promotion_use
SET state = 'used', settled_at = :at, loan_id = :loan_id
WHERE customer_id = :customer_id AND idempotency_key = :key AND state = 'held';

-- name: release_use
-- A drawdown came to nothing; its portion gets back what it took.
-- gives   one row where something was given back
-- locks   the use and its portion
WITH released AS (
    UPDATE lending.promotion_use
    SET state = 'released', settled_at = :at
    WHERE customer_id = :customer_id AND idempotency_key = :key AND state IN ('held', 'used')
    RETURNING promotion_id, portion_no, cost_minor
)
UPDATE lending.promotion_portion AS p
SET left_minor = p.left_minor + released.cost_minor, left_uses = p.left_uses + 1
FROM released
WHERE p.promotion_id = released.promotion_id AND p.portion_no = released.portion_no
RETURNING p.portion_no;

-- name: uses_unsettled
-- Uses whose drawdown was never told, and uses of loans that were cancelled or given back.
-- gives   at most :page rows
-- locks   none
SELECT u.customer_id, u.idempotency_key, u.state
FROM lending.promotion_use AS u
WHERE (u.state = 'held' AND u.held_at < :held_before)
   OR (u.state = 'used' AND EXISTS (
           SELECT 1 FROM lending.loan AS o
           WHERE o.customer_id = u.customer_id AND o.loan_id = u.loan_id
             AND o.status = 'cancelled'))
ORDER BY u.customer_id, u.idempotency_key
LIMIT :page;

-- name: add_stop
-- A promotion that ends before its day.
-- locks   none but its row
INSERT INTO lending.promotion_stop (promotion_id, stopped_at, by, reason)
VALUES (:promotion_id, :at, :by, :reason)
ON CONFLICT ON CONSTRAINT promotion_stop_pkey DO NOTHING;

-- name: promotions
-- Every promotion with its budget, what is left and what it cost so far, newest first.
-- gives   one row a promotion
-- locks   none
SELECT p.promotion_id, p.code, p.begins_on, p.ends_on, p.currency, p.budget_minor, p.uses_most,
       p.funder, p.author, p.approver, s.stopped_at,
       (SELECT coalesce(sum(q.left_minor), 0) FROM lending.promotion_portion AS q
        WHERE q.promotion_id = p.promotion_id)::bigint AS left_minor,
       (SELECT coalesce(sum(q.left_uses), 0) FROM lending.promotion_portion AS q
        WHERE q.promotion_id = p.promotion_id)::bigint AS left_uses,
       (SELECT coalesce(sum(u.cost_minor), 0) FROM lending.promotion_use AS u
        WHERE u.promotion_id = p.promotion_id AND u.state = 'used')::bigint AS used_minor,
       (SELECT count(*) FROM lending.promotion_use AS u
        WHERE u.promotion_id = p.promotion_id AND u.state = 'used') AS used_uses,
       (SELECT coalesce(sum(u.cost_minor), 0) FROM lending.promotion_use AS u
        WHERE u.promotion_id = p.promotion_id AND u.state = 'held')::bigint AS held_minor,
       (SELECT coalesce(sum(c.booked_minor), 0) FROM lending.promotion_claim AS c
        WHERE c.promotion_id = p.promotion_id)::bigint AS claimed_minor,
       (SELECT coalesce(sum(y.amount_minor), 0) FROM lending.promotion_payment AS y
        WHERE y.promotion_id = p.promotion_id)::bigint AS received_minor
FROM lending.promotion AS p
LEFT JOIN lending.promotion_stop AS s ON s.promotion_id = p.promotion_id
ORDER BY p.promotion_id DESC;
