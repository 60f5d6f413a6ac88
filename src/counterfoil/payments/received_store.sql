-- Money that came in over rails, and where it went.

-- name: take_received
-- What a statement that was just taken shows as come in; the same money a second time is no news.
-- gives   nothing
-- locks   nothing
WITH line AS (
    SELECT DISTINCT ON (l.kind, l.rail_reference, l.amount_minor, l.currency, l.reference)
           l.line_no, l.kind, l.reference, l.rail_reference, l.amount_minor, l.currency,
           l.value_date, l.account, l.payer_digest
    FROM payments.statement_line AS l
    WHERE l.rail = :rail AND l.statement_date = :statement_date
      AND l.kind IN ('received', 'recalled')
      AND NOT EXISTS (
          SELECT 1 FROM payments.received AS r
          WHERE r.rail = l.rail AND r.kind = l.kind AND r.rail_reference = l.rail_reference
            AND r.amount_minor = l.amount_minor AND r.currency = l.currency
            AND r.reference = l.reference)
    ORDER BY l.kind, l.rail_reference, l.amount_minor, l.currency, l.reference, l.line_no
), known AS (
    SELECT line.*,
           row_number() OVER (PARTITION BY line.kind, line.rail_reference
                              ORDER BY line.line_no) > 1
           OR EXISTS (SELECT 1 FROM payments.received AS r
                      WHERE r.rail = :rail AND r.kind = line.kind
                        AND r.rail_reference = line.rail_reference) AS is_twin
    FROM line
)
INSERT INTO payments.received (
    rail, statement_date, line_no, rail_reference, reference, amount_minor, currency, value_date,
    status, cause, taken_at, kind, account, payer_digest)
SELECT :rail, :statement_date, k.line_no, k.rail_reference, k.reference, k.amount_minor, k.currency,
       k.value_date, 'taken', CASE WHEN k.is_twin THEN 'twin_differs' END, :now, k.kind, k.account,
       k.payer_digest
FROM known AS k;

-- name: received_to_book
-- Money that nobody has tried to book in this turn, the oldest first, and recalls behind it.
-- gives   at most :page rows
-- locks   none
SELECT rail, statement_date, line_no, rail_reference, reference, amount_minor, currency, value_date,
       status, cause, booked_minor, turn_no, assigned, lender_id, kind, account, payer_digest,
       customer_id, repayment_id, is_own_money, claimed_minor,
       claimed_minor - claim_paid_minor - claim_lost_minor AS claim_left_minor, claim_lender_id
FROM payments.received
LEFT JOIN payments.received_repayment USING (rail, statement_date, line_no)
LEFT JOIN payments.recall_claim USING (rail, statement_date, line_no)
WHERE status = 'taken'
ORDER BY kind, statement_date, rail, line_no
LIMIT :page;

-- name: received_shown
-- Money that came in, what lies before people first, then the newest.
-- gives   at most :page rows
-- locks   none
SELECT rail, statement_date, line_no, rail_reference, reference, amount_minor, currency, value_date,
       status, cause, booked_minor, turn_no, assigned, lender_id, kind, account, payer_digest,
       customer_id, repayment_id, is_own_money, claimed_minor,
       claimed_minor - claim_paid_minor - claim_lost_minor AS claim_left_minor, claim_lender_id
FROM payments.received
LEFT JOIN payments.received_repayment USING (rail, statement_date, line_no)
LEFT JOIN payments.recall_claim USING (rail, statement_date, line_no)
ORDER BY status <> 'suspended', statement_date DESC, rail, line_no DESC
LIMIT :page;

-- name: received_of_days
-- Money that came in, the newest day first; of one status, or of all.
-- gives   at most :page rows before the key given: day and line as one number, the rail as another
-- turns   is read to both sides of its key
-- locks   none
WITH numbered AS (
    SELECT r.rail, r.statement_date, r.line_no, r.rail_reference, r.reference, r.amount_minor,
           r.currency, r.value_date, r.status, r.cause, r.booked_minor, r.turn_no, r.assigned,
           r.lender_id, r.kind, r.account, r.payer_digest,
           ((r.statement_date - DATE '0001-01-01' + 1)::bigint << 31) + r.line_no AS line,
           ('x' || left(encode(sha256(convert_to(r.rail, 'UTF8')), 'hex'), 15))::bit(60)::bigint
               AS rail_number
    FROM payments.received AS r
    WHERE :status::text IS NULL OR r.status = :status
)
SELECT rail, statement_date, line_no, rail_reference, reference, amount_minor, currency, value_date,
       status, cause, booked_minor, turn_no, assigned, lender_id, kind, account, payer_digest,
       customer_id, repayment_id, is_own_money, claimed_minor,
       claimed_minor - claim_paid_minor - claim_lost_minor AS claim_left_minor, claim_lender_id
FROM numbered
LEFT JOIN payments.received_repayment USING (rail, statement_date, line_no)
LEFT JOIN payments.recall_claim USING (rail, statement_date, line_no)
WHERE (line, rail_number) < /*turns*/ (:line::bigint, :rail::bigint)
ORDER BY line DESC /*turns*/, rail_number DESC /*turns*/
LIMIT :page;

-- name: received_of_key
-- One line of money that came in.
-- gives   at most one row
-- locks   the row
SELECT rail, statement_date, line_no, rail_reference, reference, amount_minor, currency, value_date,
       status, cause, booked_minor, turn_no, assigned, lender_id, kind, account, payer_digest,
       customer_id, repayment_id, is_own_money, claimed_minor,
       claimed_minor - claim_paid_minor - claim_lost_minor AS claim_left_minor, claim_lender_id
FROM payments.received
LEFT JOIN payments.received_repayment USING (rail, statement_date, line_no)
LEFT JOIN payments.recall_claim USING (rail, statement_date, line_no)
WHERE rail = :rail AND statement_date = :statement_date AND line_no = :line_no
FOR UPDATE OF received;

-- name: add_received_shares
-- To which loans money goes in this turn.
-- gives   nothing
-- locks   nothing
INSERT INTO payments.received_share (
    rail, statement_date, line_no, turn_no, customer_id, loan_id, amount_minor)
SELECT :rail, :statement_date, :line_no, :turn_no, :customer_id, s.loan_id, s.amount_minor
FROM unnest(:loan_ids::bigint[], :amounts_minor::bigint[]) AS s (loan_id, amount_minor);

-- name: received_shares
-- To which loans money goes in a turn.
-- gives   customer, loan and amount, by loan
-- locks   none
SELECT customer_id, loan_id, amount_minor FROM payments.received_share
WHERE rail = :rail AND statement_date = :statement_date AND line_no = :line_no
  AND turn_no = :turn_no
ORDER BY loan_id;

-- name: received_of_number
-- Money by the rail's own number of it, and how often it was recalled.
-- gives   at most one row
-- locks   none
SELECT rail, statement_date, line_no,
       (SELECT count(*) FROM payments.received AS b
        WHERE b.rail = :rail AND b.kind = 'recalled' AND b.status = 'booked'
          AND coalesce(b.assigned, b.reference) = :rail_reference) AS recalls
FROM payments.received
WHERE rail = :rail AND kind = 'received' AND rail_reference = :rail_reference
  AND cause IS DISTINCT FROM 'twin_differs';

-- name: received_booked
-- Money that is booked where it belongs.
-- gives   nothing
-- locks   the row, held already
WITH money AS (
    UPDATE payments.received
    SET status = 'booked', booked_minor = amount_minor, lender_id = NULL, settled_at = :now
    WHERE rail = :rail AND statement_date = :statement_date AND line_no = :line_no
    RETURNING rail, statement_date, line_no
)
INSERT INTO payments.received_repayment (
    rail, statement_date, line_no, customer_id, repayment_id, is_own_money)
SELECT rail, statement_date, line_no, :customer_id::bigint, :repayment_id::bigint,
       :is_own_money::boolean
FROM money
WHERE :customer_id::bigint IS NOT NULL;

-- name: received_suspended
-- Money of which a part or nothing was booked: people are next.
-- gives   nothing
-- locks   the row, held already
UPDATE payments.received
SET status = 'suspended', cause = :cause, booked_minor = :booked_minor, lender_id = :lender_id
WHERE rail = :rail AND statement_date = :statement_date AND line_no = :line_no;

-- name: received_assigned
-- Two people said where money belongs: it is tried once more.
-- gives   nothing
-- locks   the row, held already
UPDATE payments.received
SET status = 'taken', assigned = :assigned, turn_no = turn_no + 1,
    cause = CASE WHEN cause = 'twin_differs' THEN cause END, lender_id = NULL
WHERE rail = :rail AND statement_date = :statement_date AND line_no = :line_no;

-- name: received_sent_back
-- Two people said that money went back to whoever sent it.
-- gives   nothing
-- locks   the row, held already
UPDATE payments.received
SET status = 'sent_back', settled_at = :now
WHERE rail = :rail AND statement_date = :statement_date AND line_no = :line_no;

-- name: suspended_sums
-- What lies before people, by lender and currency; what was recalled is owed to the lender.
-- gives   one row for each
-- locks   none
SELECT lender_id, currency::text AS currency,
       sum(CASE kind WHEN 'recalled' THEN -1 ELSE 1 END * (amount_minor - booked_minor))::bigint
           AS left_minor
FROM payments.received
WHERE status = 'suspended'
GROUP BY lender_id, currency;

-- name: add_recall_claim
-- A recall that becomes a claim.
-- gives   nothing
-- locks   nothing
INSERT INTO payments.recall_claim (
    rail, statement_date, line_no, claim_lender_id, claimed_minor, claimed_at)
VALUES (:rail, :statement_date, :line_no, :lender_id, :claimed_minor, :now);

-- name: claim_shrinks
-- What of a claim is paid, or given up.
-- gives   nothing
-- locks   the claim; its recall is held already
UPDATE payments.recall_claim
SET claim_paid_minor = claim_paid_minor + :paid_minor,
    claim_lost_minor = claim_lost_minor + :lost_minor
WHERE rail = :rail AND statement_date = :statement_date AND line_no = :line_no;

-- name: claim_of_number
-- The recall of a rail's number that became a claim.
-- gives   at most one row
-- locks   none
SELECT r.rail, r.statement_date, r.line_no
FROM payments.received AS r
JOIN payments.recall_claim AS c USING (rail, statement_date, line_no)
WHERE r.rail = :rail AND r.kind = 'recalled' AND r.rail_reference = :rail_reference
  AND r.cause IS DISTINCT FROM 'twin_differs';

-- name: claims_left
-- What is left of claims, by lender and currency.
-- gives   one row for each
-- locks   none
SELECT c.claim_lender_id AS lender_id, r.currency::text AS currency,
       sum(c.claimed_minor - c.claim_paid_minor - c.claim_lost_minor)::bigint AS left_minor
FROM payments.recall_claim AS c
JOIN payments.received AS r USING (rail, statement_date, line_no)
GROUP BY c.claim_lender_id, r.currency;
