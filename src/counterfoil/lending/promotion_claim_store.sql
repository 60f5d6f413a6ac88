-- What promotions cost whoever funds them, and what of it is booked.

-- name: add_claims
-- Books what funded promotions cost by the start of a date, less what was booked before. A loan's
-- share is the interest that it earned, times what its price is lower by over its price; it is
-- rounded half up once a loan, and never more than its drawdown took from the budget.
-- gives   one row a promotion and book with something to book
-- locks   nothing
WITH used AS (
    SELECT u.promotion_id, u.customer_id, u.loan_id, u.cost_minor, u.rate_daily_e8,
           u.rate_without_daily_e8
    FROM lending.promotion_use AS u
    JOIN lending.promotion AS p ON p.promotion_id = u.promotion_id
    WHERE u.state = 'used' AND p.funder <> 'lender'
), share AS (
    SELECT used.promotion_id, o.lender_id, o.product_code, o.currency,
           least(used.cost_minor, round(
               (o.due_interest_minor * 100000000::numeric + o.accrued_interest_e8
                + o.principal_minor * o.rate_daily_e8
                  * greatest(:on_date::date - coalesce(o.accrued_to, :on_date::date), 0)::numeric
                + coalesce(paid.interest_minor, 0) * 100000000::numeric)
               * (used.rate_without_daily_e8 - used.rate_daily_e8)
               / used.rate_daily_e8 / 100000000))::bigint AS earned_minor
    FROM used
    JOIN lending.loan AS o ON o.customer_id = used.customer_id AND o.loan_id = used.loan_id
    LEFT JOIN LATERAL (
        SELECT sum(t.interest_minor)::bigint AS interest_minor
        FROM lending.loan_transaction AS t
        WHERE t.customer_id = used.customer_id AND t.loan_id = used.loan_id) AS paid ON true
), earned AS (
    SELECT share.promotion_id, share.lender_id, share.product_code, share.currency::text,
           greatest(sum(share.earned_minor), 0)::bigint AS earned_minor
    FROM share
    GROUP BY share.promotion_id, share.lender_id, share.product_code, share.currency
), booked AS (
    SELECT c.promotion_id, c.lender_id, c.product_code, c.currency::text,
           sum(c.booked_minor)::bigint AS booked_minor
    FROM lending.promotion_claim AS c
    GROUP BY c.promotion_id, c.lender_id, c.product_code, c.currency
)
INSERT INTO lending.promotion_claim AS n (
    promotion_id, book_date, lender_id, product_code, currency, earned_minor, booked_minor)
SELECT promotion_id, :book_date::date, lender_id, product_code, currency,
       coalesce(earned.earned_minor, 0),
       coalesce(earned.earned_minor, 0) - coalesce(booked.booked_minor, 0)
FROM earned FULL JOIN booked USING (promotion_id, lender_id, product_code, currency)
WHERE coalesce(earned.earned_minor, 0) <> coalesce(booked.booked_minor, 0)
RETURNING n.lender_id, n.product_code, n.currency::text AS currency, n.booked_minor;

-- name: claims_by_book
-- What is claimed of those who fund promotions and not paid, all in all.
-- gives   one row a lender, product and currency
-- locks   none
SELECT c.lender_id, c.product_code, c.currency::text AS currency,
       sum(c.amount_minor)::bigint AS claimed_minor
FROM (SELECT lender_id, product_code, currency, booked_minor AS amount_minor
      FROM lending.promotion_claim
      UNION ALL
      SELECT lender_id, product_code, currency, -amount_minor
      FROM lending.promotion_payment) AS c
GROUP BY c.lender_id, c.product_code, c.currency;

-- name: hold_promotion
-- Lets payments of a promotion's funder come one after the other.
-- locks   the promotion until the transaction ends
SELECT pg_advisory_xact_lock(hashtextextended('promotion_payment', hashtext(:code)));

-- name: promotion_of_funder
-- A promotion that somebody else than the lender funds.
-- gives   at most one row
-- locks   none
SELECT promotion_id, currency::text AS currency FROM lending.promotion
WHERE code = :code AND funder <> 'lender';

-- name: claims_left
-- What is claimed for a promotion and not paid, by book.
-- gives   one row for each book that has something left
-- locks   none
SELECT c.lender_id, c.product_code, c.currency::text AS currency,
       sum(c.amount_minor)::bigint AS left_minor
FROM (SELECT lender_id, product_code, currency, booked_minor AS amount_minor
      FROM lending.promotion_claim WHERE promotion_id = :promotion_id
      UNION ALL
      SELECT lender_id, product_code, currency, -amount_minor
      FROM lending.promotion_payment WHERE promotion_id = :promotion_id) AS c
GROUP BY c.lender_id, c.product_code, c.currency
HAVING sum(c.amount_minor) > 0
ORDER BY c.lender_id, c.product_code;

-- name: add_promotion_payments
-- What whoever funds a promotion has paid, by book.
-- gives   nothing
-- locks   nothing
INSERT INTO lending.promotion_payment (
    promotion_id, lender_id, product_code, receipt, currency, amount_minor, value_date, booked_on,
    booked_at)
SELECT :promotion_id, s.lender_id, s.product_code, :receipt, s.currency, s.amount_minor,
       :value_date, :booked_on, :now
FROM unnest(:lender_ids::text[], :product_codes::text[], :currencies::text[],
            :amounts_minor::bigint[]) AS s (lender_id, product_code, currency, amount_minor);
