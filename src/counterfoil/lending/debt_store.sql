-- What customers owe and could draw here: lines with what is owed and what falls due in a month.

-- name: own_debts
-- Lines of customers that are not closed, or on which something is owed, each with its debts.
-- A month of a loan: what is left over the months that are left, and thirty days of interest.
-- gives   one row a line
-- locks   none
SELECT l.customer_id, l.line_id, l.product_code, l.currency, l.status, l.opened_on, l.limit_minor,
       l.own_cap_minor, l.principal_minor, l.held_minor,
       coalesce(o.monthly_minor, 0)::bigint AS monthly_minor
FROM lending.credit_line AS l
LEFT JOIN LATERAL (
    SELECT sum(
        CASE WHEN s.status = 'open' THEN
            ceil(s.principal_minor::numeric / greatest(1, ceil((s.maturity_date - :on::date) / 30.0)))
            + ceil(s.principal_minor::numeric * s.rate_daily_e8 * 30 / 100000000)
        ELSE
            ceil(s.original_minor::numeric / s.tenor_months)
            + ceil(s.original_minor::numeric * s.rate_daily_e8 * 30 / 100000000)
        END
    ) AS monthly_minor
    FROM lending.loan AS s
    WHERE s.customer_id = l.customer_id AND s.line_id = l.line_id
      AND s.status IN ('open', 'pending')
) AS o ON true
WHERE l.customer_id = ANY (:customer_ids::bigint[])
  AND (l.status <> 'closed' OR l.principal_minor > 0)
ORDER BY l.customer_id, l.line_id;

-- name: losses_of_customers
-- What customers owe in open loans, and what of it is at least 90 days past due.
-- gives   one row a customer who owes anything
-- locks   none
SELECT customer_id, currency, sum(principal_minor)::bigint AS owed_minor,
       coalesce(sum(principal_minor) FILTER (WHERE oldest_due_date <= :on::date - 90), 0)::bigint
           AS late_minor
FROM lending.loan
WHERE customer_id = ANY (:customer_ids::bigint[]) AND status = 'open'
GROUP BY customer_id, currency
ORDER BY customer_id, currency;
