-- Offers that customers have not taken yet.

-- name: offers_against
-- Open offers of a product, and how many of them would not be made within other bounds.
-- gives   one row
-- locks   none
SELECT count(*) AS offers,
       count(*) FILTER (WHERE a.limit_minor NOT BETWEEN :limit_min_minor AND :limit_max_minor)
           AS by_limit,
       count(*) FILTER (WHERE a.rate_daily_e8 NOT BETWEEN :rate_min_e8 AND :rate_max_e8)
           AS by_price,
       count(*) FILTER (WHERE NOT a.tenors_months <@ :tenors_months::smallint[]) AS by_tenor
FROM decisioning.application AS a
WHERE a.status = 'approved' AND a.product_code = :product_code;
