-- name: payouts_of_range
-- The payouts of a range of customers, with what the rail's statements show of each.
-- gives   the payouts of customers after one and up to another
-- locks   none
SELECT p.customer_id, p.payment_id, p.subject, p.loan_id, p.amount_minor, p.currency, p.status,
       p.outcome, p.value_date,
       EXISTS (
           SELECT 1 FROM payments.statement AS s
           WHERE s.rail = p.rail AND s.statement_date = p.value_date) AS has_statement,
       coalesce(l.paid, 0) AS paid_lines, coalesce(l.paid_minor, 0)::bigint AS paid_minor,
       coalesce(l.returned, 0) AS returned_lines,
       (SELECT coalesce(sum(c.returned_minor), 0)::bigint FROM payments.suspense AS c
        WHERE c.customer_id = p.customer_id AND c.payment_id = p.payment_id
          AND c.carried_out_at IS NOT NULL) AS returned_minor,
       EXISTS (
           SELECT 1 FROM payments.suspense AS c
           WHERE c.customer_id = p.customer_id AND c.payment_id = p.payment_id) AS has_case
FROM payments.payment AS p
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE s.kind = 'paid') AS paid,
           sum(s.amount_minor) FILTER (WHERE s.kind = 'paid' AND s.currency = p.currency)
               AS paid_minor,
           count(*) FILTER (WHERE s.kind = 'returned') AS returned
    FROM payments.statement_line AS s
    WHERE s.payment_id = p.payment_id AND s.rail = p.rail) AS l ON true
WHERE p.direction = 'out' AND p.customer_id > :after AND p.customer_id <= :through
ORDER BY p.customer_id, p.payment_id;

-- name: differences_of_range
-- References on which the sides disagree, and which people know of.
-- gives   the open differences of customers after one and up to another
-- locks   none
SELECT d.customer_id, d.reference
FROM payments.difference AS d
WHERE d.cleared_on IS NULL AND d.customer_id > :after AND d.customer_id <= :through
ORDER BY d.customer_id, d.reference;

-- name: receipts_of_range
-- Money that came in for repayments of a range of customers, and what was recalled of it.
-- gives   the booked lines of customers after one and up to another
-- locks   none
SELECT p.customer_id, p.repayment_id, r.rail, r.statement_date, r.line_no, r.kind, r.amount_minor,
       r.currency::text AS currency, r.value_date, r.turn_no
FROM payments.received_repayment AS p
JOIN payments.received AS r USING (rail, statement_date, line_no)
WHERE p.customer_id > :after AND p.customer_id <= :through
ORDER BY p.customer_id, p.repayment_id, r.rail, r.statement_date, r.line_no;

-- name: receipts_without_repayment
-- Lines that are booked by the reference of a line or loan, and as nobody's repayment.
-- gives   at most :page lines
-- locks   none
SELECT r.rail, r.statement_date, r.line_no
FROM payments.received AS r
WHERE r.status = 'booked' AND r.kind = 'received'
  AND coalesce(r.assigned, r.reference) LIKE 'RF%'
  AND NOT EXISTS (
      SELECT 1 FROM payments.received_repayment AS p
      WHERE p.rail = r.rail AND p.statement_date = r.statement_date AND p.line_no = r.line_no)
ORDER BY r.statement_date, r.rail, r.line_no
LIMIT :page;
