-- Lines of a product that are not closed: counted, and by pages.

-- name: count_lines
-- How many lines a product has, or one version of it.
-- gives   one number
-- locks   none
SELECT count(*)
FROM lending.credit_line
WHERE product_code = :product_code AND status <> 'closed'
  AND (:of_version::integer IS NULL OR product_version = :of_version);

-- name: lines_of_product
-- The lines of a product, or of one version of it, in the order of their keys.
-- gives   at most :page rows after the key given
-- locks   none
SELECT customer_id, line_id
FROM lending.credit_line
WHERE product_code = :product_code AND status <> 'closed'
  AND (:of_version::integer IS NULL OR product_version = :of_version)
  AND (customer_id, line_id) > (:after_customer_id::bigint, :after_line_id::bigint)
ORDER BY customer_id, line_id
LIMIT :page;
