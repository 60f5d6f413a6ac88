-- Purchases of scenes: papers, progress, what was paid and is owed back, licences, closures.

-- name: add_purchase
-- What a customer buys of a merchant.
-- locks   none but its row
INSERT INTO lending.scene_purchase (
    customer_id, purchase_id, scene, scene_version, merchant_id, price_minor, currency, course_from,
    course_until, is_student, recorded_by, recorded_at
) VALUES (
    :customer_id, :purchase_id, :scene, :scene_version, :merchant_id, :price_minor, :currency,
    :course_from, :course_until, :is_student, :recorded_by, :recorded_at
);

-- name: add_documents
-- Papers of a purchase, by digest.
-- locks   none but its rows
INSERT INTO lending.scene_document (customer_id, purchase_id, kind, sha256)
SELECT :customer_id, :purchase_id, kind, sha256
FROM unnest(:kinds::text[], :digests::bytea[]) AS paper (kind, sha256);

-- name: purchases
-- Purchases of a customer, of a merchant, or one, with what was given, paid and is owed back.
-- gives   at most :page rows after a number, the oldest first
-- turns   is read to both sides of its key
-- locks   none
SELECT p.customer_id, p.purchase_id, p.scene, p.scene_version, p.merchant_id, p.price_minor,
       p.currency, p.course_from, p.course_until, p.is_student,
       coalesce((SELECT max(g.progress_ppm) FROM lending.scene_progress AS g
                 WHERE g.customer_id = p.customer_id AND g.purchase_id = p.purchase_id), 0)
           AS progress_ppm,
       coalesce((SELECT sum(u.amount_minor)
                 FROM lending.scene_use AS u
                 LEFT JOIN lending.loan AS o
                     ON o.customer_id = u.customer_id AND o.loan_id = u.loan_id
                 WHERE u.customer_id = p.customer_id AND u.purchase_id = p.purchase_id
                   AND u.idempotency_key <> :key
                   AND o.status IS DISTINCT FROM 'cancelled'), 0)::bigint AS paid_minor,
       coalesce((SELECT sum(t.amount_minor)
                 FROM lending.scene_use AS u
                 JOIN lending.loan_transaction AS t
                     ON t.customer_id = u.customer_id AND t.loan_id = u.loan_id
                 WHERE u.customer_id = p.customer_id AND u.purchase_id = p.purchase_id
                   AND t.kind IN ('repayment', 'reversal') AND t.channel = :refund), 0)::bigint
           AS refunded_minor,
       coalesce((SELECT max(c.owed_minor) FROM lending.scene_claim AS c
                 WHERE c.customer_id = p.customer_id AND c.purchase_id = p.purchase_id), 0)
           AS claimed_minor,
       (SELECT min(c.due_on) FROM lending.scene_claim AS c
        WHERE c.customer_id = p.customer_id AND c.purchase_id = p.purchase_id) AS claim_due_on
FROM lending.scene_purchase AS p
WHERE (p.customer_id = :customer_id OR :customer_id = 0)
  AND (p.merchant_id = :merchant_id OR :merchant_id = 0)
  AND (p.purchase_id = :purchase_id OR :purchase_id = 0)
  AND p.purchase_id > /*turns*/ :after
ORDER BY p.purchase_id ASC /*turns*/
LIMIT :page;

-- name: last_purchases
-- The last purchases of a merchant.
-- gives   at most :page rows, the newest first
-- locks   none
SELECT customer_id, purchase_id FROM lending.scene_purchase
WHERE merchant_id = :merchant_id
ORDER BY purchase_id DESC
LIMIT :page;

-- name: purchase_of_loan
-- The purchase that a loan paid for.
-- gives   at most one row
-- locks   none
SELECT p.purchase_id, p.scene, p.scene_version, p.merchant_id, u.payee_version_no, u.amount_minor,
       coalesce((SELECT sum(t.amount_minor) FROM lending.loan_transaction AS t
                 WHERE t.customer_id = u.customer_id AND t.loan_id = u.loan_id
                   AND t.kind IN ('repayment', 'reversal') AND t.channel = :refund), 0)::bigint
           AS refunded_minor
FROM lending.scene_use AS u
JOIN lending.scene_purchase AS p
    ON p.customer_id = u.customer_id AND p.purchase_id = u.purchase_id
WHERE u.customer_id = :customer_id AND u.loan_id = :loan_id
LIMIT 1;

-- name: use_purchase
-- A drawdown that pays for a purchase.
-- locks   its row
INSERT INTO lending.scene_use (
    customer_id, idempotency_key, purchase_id, payee_version_no, amount_minor, used_at
) VALUES (:customer_id, :key, :purchase_id, :payee_version_no, :amount_minor, :at)
ON CONFLICT ON CONSTRAINT scene_use_pkey DO UPDATE SET used_at = excluded.used_at
WHERE scene_use.loan_id IS NULL;

-- name: settle_use
-- The loan that a drawdown became.
-- locks   its row
UPDATE lending.scene_use SET loan_id = :loan_id
WHERE customer_id = :customer_id AND idempotency_key = :key AND loan_id IS NULL;

-- name: forget_use
-- A drawdown that became none.
-- locks   its row
DELETE FROM lending.scene_use
WHERE customer_id = :customer_id AND idempotency_key = :key AND loan_id IS NULL;

-- name: uses_left
-- Drawdowns whose answer nobody wrote down, such as after a crash.
-- gives   their keys
-- locks   none
SELECT idempotency_key FROM lending.scene_use
WHERE customer_id = :customer_id AND loan_id IS NULL AND used_at < :before;

-- name: last_loan_began
-- When the running loan of a purchase that began last did so.
-- gives   one date, or nothing
-- locks   none
SELECT max(o.start_date)
FROM lending.scene_use AS u
JOIN lending.loan AS o ON o.customer_id = u.customer_id AND o.loan_id = u.loan_id
WHERE u.customer_id = :customer_id AND u.purchase_id = :purchase_id AND o.status = 'open';

-- name: loans_of_purchase
-- Which loans paid for a purchase.
-- gives   their numbers, the oldest first
-- locks   none
SELECT u.loan_id FROM lending.scene_use AS u
WHERE u.customer_id = :customer_id AND u.purchase_id = :purchase_id AND u.loan_id IS NOT NULL
ORDER BY u.loan_id;

-- name: hold_purchase
-- Lets reports on a purchase come one after the other.
-- gives   one row where there is such a purchase
-- locks   its row
SELECT purchase_id FROM lending.scene_purchase
WHERE customer_id = :customer_id AND purchase_id = :purchase_id
FOR UPDATE;

-- name: add_progress
-- What was given of a course since.
-- locks   none but its row
INSERT INTO lending.scene_progress (
    customer_id, purchase_id, progress_no, progress_ppm, proof_sha256, reported_by, reported_at
)
SELECT :customer_id, :purchase_id, count(*) + 1, :progress_ppm, :proof_sha256, :by, :at
FROM lending.scene_progress
WHERE customer_id = :customer_id AND purchase_id = :purchase_id;

-- name: add_licence
-- A school's licence.
-- locks   none but its row
INSERT INTO lending.scene_licence (
    merchant_id, licence_id, number, authority, valid_until, document_sha256, recorded_by,
    recorded_at
) VALUES (
    :merchant_id, :licence_id, :number, :authority, :valid_until, :document_sha256, :recorded_by,
    :recorded_at
);

-- name: present_licence
-- The licence of a merchant that was recorded last.
-- gives   at most one row
-- locks   none
SELECT merchant_id, licence_id, number, authority, valid_until, document_sha256, recorded_by,
       recorded_at
FROM lending.scene_licence
WHERE merchant_id = :merchant_id
ORDER BY licence_id DESC
LIMIT 1;

-- name: add_closure
-- A merchant that delivers no more; the first word holds.
-- gives   the merchant where it was open
-- locks   none but its row
INSERT INTO lending.scene_closure (merchant_id, closed_on, reason, recorded_by, recorded_at)
VALUES (:merchant_id, :closed_on, :reason, :by, :at)
ON CONFLICT ON CONSTRAINT scene_closure_pkey DO NOTHING
RETURNING merchant_id;

-- name: closures
-- Merchants that deliver no more.
-- gives   one row for each
-- locks   none
SELECT merchant_id, closed_on FROM lending.scene_closure;

-- name: closed_on
-- The day since which a merchant delivers no more.
-- gives   at most one row
-- locks   none
SELECT closed_on FROM lending.scene_closure WHERE merchant_id = :merchant_id;

-- name: add_withdrawal
-- A customer went back on a purchase; the first word holds.
-- locks   none but its row
INSERT INTO lending.scene_withdrawal (
    customer_id, loan_id, declared_on, principal_minor, payoff_minor, declared_by, declared_at
) VALUES (
    :customer_id, :loan_id, :declared_on, :principal_minor, :payoff_minor, :declared_by,
    :declared_at
)
ON CONFLICT ON CONSTRAINT scene_withdrawal_pkey DO NOTHING;

-- name: withdrawal
-- What was declared of a loan.
-- gives   at most one row
-- locks   none
SELECT customer_id, loan_id, declared_on, principal_minor, payoff_minor, declared_by, declared_at
FROM lending.scene_withdrawal
WHERE customer_id = :customer_id AND loan_id = :loan_id;

-- name: add_claim
-- What a merchant owes back; the first word on each cause holds.
-- locks   none but its row
INSERT INTO lending.scene_claim (
    customer_id, purchase_id, cause, owed_minor, due_on, made_by, made_at
) VALUES (:customer_id, :purchase_id, :cause, :owed_minor, :due_on, :by, :at)
ON CONFLICT ON CONSTRAINT scene_claim_pkey DO NOTHING;

-- name: refunds_left
-- Refunds to a loan under way, but for one.
-- gives   their keys, amounts, and when they began
-- locks   none
SELECT idempotency_key, amount_minor, asked_at FROM lending.scene_refund
WHERE customer_id = :customer_id AND loan_id = :loan_id AND idempotency_key <> :key;

-- name: begin_refund
-- A refund whose repayment does not stand in the books yet.
-- locks   its row
INSERT INTO lending.scene_refund (customer_id, idempotency_key, loan_id, amount_minor, asked_at)
VALUES (:customer_id, :key, :loan_id, :amount_minor, :at)
ON CONFLICT ON CONSTRAINT scene_refund_pkey DO UPDATE SET asked_at = excluded.asked_at;

-- name: end_refunds
-- Refunds that were answered, or never will be.
-- locks   their rows
DELETE FROM lending.scene_refund
WHERE customer_id = :customer_id AND idempotency_key = ANY (:keys::text[]);
