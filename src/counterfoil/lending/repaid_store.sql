-- What repayments did to which loans, for those who are told of it.

-- name: loans_of_repayments
-- The loans that some repayments paid for, and whether the repayment closed the loan: it is closed,
-- and nothing was booked on it since.
-- gives   one row for each position of the arrays and loan, in the order of the loans
-- locks   none
SELECT DISTINCT given.place, t.loan_id,
       l.status = 'closed' AND t.sequence = l.last_sequence AS is_closed
FROM unnest(:places::integer[], :customer_ids::bigint[], :repayment_ids::bigint[])
    AS given (place, customer_id, repayment_id)
JOIN lending.loan_transaction AS t
  ON t.customer_id = given.customer_id AND t.repayment_id = given.repayment_id
JOIN lending.loan AS l ON l.customer_id = t.customer_id AND l.loan_id = t.loan_id
ORDER BY given.place, t.loan_id;
