-- Which product and lender a matter with a number of its own belongs to, whoever's it is: so that
-- somebody who is limited to one product does not see another product's matters of a customer who
-- has both. And what lies under a line or a loan is limited as the line or the loan is.
SET LOCAL lock_timeout = '3s';

-- `kind` is the prefix of the identifier. What does not stand here, or has no product, is a matter
-- of the person: whoever reaches the customer reaches it. Where no lender stands, the lender is
-- whoever offers the product.
CREATE VIEW reporting.matter (kind, customer_id, number, product_code, lender) AS
SELECT 'ln', customer_id, line_id, product_code, lender_id::text FROM lending.credit_line
UNION ALL
SELECT 'lo', customer_id, loan_id, product_code, lender_id::text FROM lending.loan
UNION ALL
SELECT 'ap', customer_id, application_id, product_code, NULL FROM decisioning.application
UNION ALL
SELECT 'ct', customer_id, contract_id, product_code, lender_id::text FROM contracts.contract
UNION ALL
SELECT 'lr', q.customer_id, q.request_id, q.product_code, l.lender_id::text
FROM decisioning.limit_request AS q
JOIN lending.credit_line AS l ON l.customer_id = q.customer_id AND l.line_id = q.line_id
UNION ALL
SELECT 'rv', r.customer_id, r.review_id, coalesce(a.product_code, q.product_code), NULL
FROM decisioning.review AS r
LEFT JOIN decisioning.application AS a
  ON r.about = 'application' AND a.customer_id = r.customer_id
 AND a.application_id = r.subject_id
LEFT JOIN decisioning.limit_request AS q
  ON r.about = 'limit_request' AND q.customer_id = r.customer_id AND q.request_id = r.subject_id
UNION ALL
SELECT 'lv', x.customer_id, x.review_id, l.product_code, l.lender_id::text
FROM decisioning.line_review AS x
JOIN lending.credit_line AS l ON l.customer_id = x.customer_id AND l.line_id = x.line_id
UNION ALL
SELECT 'lx', x.customer_id, x.case_id, l.product_code, l.lender_id::text
FROM decisioning.line_review_case AS x
JOIN lending.credit_line AS l ON l.customer_id = x.customer_id AND l.line_id = x.line_id
UNION ALL
SELECT 'lm', x.customer_id, x.measure_id, l.product_code, l.lender_id::text
FROM decisioning.line_measure AS x
JOIN lending.credit_line AS l ON l.customer_id = x.customer_id AND l.line_id = x.line_id
UNION ALL
SELECT 'lc', x.customer_id, x.notice_id, l.product_code, l.lender_id::text
FROM decisioning.line_notice AS x
JOIN lending.credit_line AS l ON l.customer_id = x.customer_id AND l.line_id = x.line_id
UNION ALL
SELECT 'la', x.customer_id, x.appeal_id, l.product_code, l.lender_id::text
FROM decisioning.line_appeal AS x
JOIN lending.credit_line AS l ON l.customer_id = x.customer_id AND l.line_id = x.line_id
UNION ALL
SELECT 'ls', x.customer_id, x.signal_id, l.product_code, l.lender_id::text
FROM decisioning.line_signal AS x
JOIN lending.credit_line AS l ON l.customer_id = x.customer_id AND l.line_id = x.line_id
UNION ALL
SELECT 'tx', t.customer_id, t.transaction_id, l.product_code, l.lender_id::text
FROM lending.loan_transaction AS t
JOIN lending.credit_line AS l ON l.customer_id = t.customer_id AND l.line_id = t.line_id
UNION ALL
SELECT 'rp', t.customer_id, t.repayment_id, l.product_code, l.lender_id::text
FROM lending.loan_transaction AS t
JOIN lending.credit_line AS l ON l.customer_id = t.customer_id AND l.line_id = t.line_id
UNION ALL
SELECT 'pm', p.customer_id, p.payment_id, l.product_code, p.lender_id::text
FROM payments.payment AS p
JOIN lending.credit_line AS l ON l.customer_id = p.customer_id AND l.line_id = p.line_id
UNION ALL
SELECT 'cr', x.customer_id, x.return_id, l.product_code, l.lender_id::text
FROM lending.credit_return AS x
JOIN lending.credit_line AS l ON l.customer_id = x.customer_id AND l.line_id = x.line_id
UNION ALL
SELECT 'md', x.customer_id, x.mandate_id, l.product_code, l.lender_id::text
FROM payments.mandate AS x
JOIN lending.credit_line AS l ON l.customer_id = x.customer_id AND l.line_id = x.line_id
UNION ALL
SELECT 'sq', x.customer_id, x.quote_id, l.product_code, l.lender_id::text
FROM lending.settlement_quote AS x
JOIN lending.credit_line AS l ON l.customer_id = x.customer_id AND l.line_id = x.line_id
UNION ALL
SELECT 'st', x.customer_id, x.request_id, l.product_code, l.lender_id::text
FROM customers.setting_request AS x
JOIN lending.credit_line AS l ON l.customer_id = x.customer_id AND l.line_id = x.line_id
UNION ALL
SELECT 'pu', x.customer_id, x.purchase_id, l.product_code, l.lender_id::text
FROM lending.scene_use AS x
JOIN lending.loan AS l ON l.customer_id = x.customer_id AND l.loan_id = x.loan_id
UNION ALL
SELECT 'cs', c.customer_id, c.consent_id, a.product_code, NULL
FROM consents.consent AS c
JOIN decisioning.application AS a
  ON a.customer_id = c.customer_id AND a.application_id = c.application_id
UNION ALL
SELECT 'iq', i.customer_id, i.inquiry_id, a.product_code, NULL
FROM bureau.inquiry AS i
JOIN consents.consent AS c ON c.customer_id = i.customer_id AND c.consent_id = i.consent_id
JOIN decisioning.application AS a
  ON a.customer_id = c.customer_id AND a.application_id = c.application_id
UNION ALL
SELECT 'ev', q.customer_id, q.event_id, l.product_code, l.lender_id::text
FROM features.quarantined AS q
JOIN lending.credit_line AS l ON l.customer_id = q.customer_id AND l.line_id = q.line_id;

-- Matters of other products or lenders than those that the reader is limited to.
CREATE VIEW desk.foreign_matter AS
SELECT m.kind, m.customer_id, m.number
FROM reporting.matter AS m
WHERE m.product_code IS NOT NULL
  AND (
      ((SELECT desk.every('products'))
       OR m.product_code = ANY ((SELECT desk.only('products'))::text[]))
      AND ((SELECT desk.every('lenders'))
           OR CASE WHEN m.lender IS NULL
                   THEN m.product_code = ANY ((SELECT desk.only('offers'))::text[])
                   ELSE m.lender = ANY ((SELECT desk.only('lenders'))::text[]) END)
  ) IS NOT TRUE;

-- The customers that the reader may see; whoever applied for a product is one of its lender's.
CREATE OR REPLACE VIEW desk.reachable AS
SELECT c.customer_id
FROM customers.customer AS c
WHERE ((SELECT desk.every('regions')) OR EXISTS (
          SELECT 1 FROM privacy.customer_region AS r
          WHERE r.customer_id = c.customer_id
            AND r.region = ANY ((SELECT desk.only('regions'))::text[])))
  AND ((SELECT desk.every('cases')) OR EXISTS (
          SELECT 1 FROM desk.open_case AS k
          WHERE k.customer_id = c.customer_id
            AND k.operator = ANY ((SELECT desk.only('cases'))::text[])))
  AND (((SELECT desk.every('products')) AND (SELECT desk.every('lenders'))) OR EXISTS (
          SELECT 1 FROM reporting.customer_business AS b
          WHERE b.customer_id = c.customer_id
            AND ((SELECT desk.every('products'))
                 OR b.product_code = ANY ((SELECT desk.only('products'))::text[]))
            AND ((SELECT desk.every('lenders'))
                 OR b.lender = ANY ((SELECT desk.only('lenders'))::text[])
                 OR (b.lender IS NULL
                     AND b.product_code = ANY ((SELECT desk.only('offers'))::text[])))));

-- Makes the views of a desk over those of `reporting`, again where those have changed. A view with a
-- product or a lender is limited by it; one without is limited as the line, the loan, the
-- application or the consent is that its rows belong to. Every one by the reachable customers.
CREATE OR REPLACE FUNCTION desk.make_views() RETURNS void LANGUAGE plpgsql AS $make$
DECLARE
    views CONSTANT text[] := ARRAY[
        'line', 'loan', 'application', 'customer', 'payment', 'contract', 'consent',
        'consent_refused', 'inquiry', 'loan_transaction', 'line_event'];
    view_name text;
    columns text[];
    limits text;
    under record;
BEGIN
    FOREACH view_name IN ARRAY views LOOP
        EXECUTE format('DROP VIEW IF EXISTS desk.%I CASCADE', view_name);
    END LOOP;
    FOREACH view_name IN ARRAY views LOOP
        SELECT array_agg(c.column_name::text) INTO columns
        FROM information_schema.columns AS c
        WHERE c.table_schema = 'reporting' AND c.table_name = view_name;
        limits := $limit$
            (((SELECT desk.every('regions')) AND (SELECT desk.every('cases'))
              AND (SELECT desk.every('products')) AND (SELECT desk.every('lenders')))
             OR r.customer_id IN (SELECT customer_id FROM desk.reachable))$limit$;
        IF 'product_code' = ANY (columns) THEN
            limits := limits || $limit$
                AND ((SELECT desk.every('products'))
                     OR r.product_code = ANY ((SELECT desk.only('products'))::text[]))$limit$;
        END IF;
        IF 'lender_id' = ANY (columns) THEN
            limits := limits || $limit$
                AND ((SELECT desk.every('lenders'))
                     OR r.lender_id::text = ANY ((SELECT desk.only('lenders'))::text[]))$limit$;
        ELSIF 'product_code' = ANY (columns) THEN
            limits := limits || $limit$
                AND ((SELECT desk.every('lenders'))
                     OR r.product_code = ANY ((SELECT desk.only('offers'))::text[]))$limit$;
        END IF;
        IF NOT 'product_code' = ANY (columns) THEN
            FOR under IN
                SELECT u.of_column, u.of_view
                FROM (VALUES (1, 'line_id', 'line'), (2, 'loan_id', 'loan'),
                             (3, 'application_id', 'application'), (4, 'consent_id', 'consent'))
                    AS u (place, of_column, of_view)
                WHERE u.of_column = ANY (columns) AND u.of_view <> view_name
                ORDER BY u.place
                LIMIT 1
            LOOP
                limits := limits || format($limit$
                    AND (((SELECT desk.every('products')) AND (SELECT desk.every('lenders')))
                         OR r.%1$I IS NULL
                         OR EXISTS (SELECT 1 FROM desk.%2$I AS u
                                    WHERE u.customer_id = r.customer_id AND u.%1$I = r.%1$I))
                    $limit$, under.of_column, under.of_view);
            END LOOP;
        END IF;
        EXECUTE format('CREATE VIEW desk.%1$I AS SELECT r.* FROM reporting.%1$I AS r WHERE %2$s',
            view_name, limits);
    END LOOP;
END $make$;
SELECT desk.make_views();

-- Whose task something is already, so that nobody opens a case of what a colleague works on.
CREATE OR REPLACE VIEW reporting.customer_task AS
SELECT r.customer_id, 'review' AS kind, r.review_id AS subject_id, (
           SELECT CASE e.act WHEN 'assigned' THEN e.person END
           FROM decisioning.review_event AS e
           WHERE e.customer_id = r.customer_id AND e.review_id = r.review_id
           ORDER BY e.event_no DESC
           LIMIT 1
       ) AS taken_by
FROM reporting.review AS r WHERE r.ended_as IS NULL
UNION ALL
SELECT customer_id, 'appeal', appeal_id, NULL
FROM reporting.line_appeal WHERE decided_at IS NULL
UNION ALL
SELECT r.customer_id, 'rights', r.request_id, NULL
FROM privacy.rights_request AS r
WHERE NOT EXISTS (
    SELECT 1 FROM privacy.rights_event AS e
    WHERE e.customer_id = r.customer_id AND e.request_id = r.request_id
      AND e.act IN ('answered', 'refused', 'withdrawn'))
UNION ALL
SELECT customer_id, 'suspense', payment_id, NULL
FROM payments.suspense WHERE approved_at IS NULL
UNION ALL
SELECT l.customer_id, 'overdue', l.loan_id, NULL
FROM lending.loan AS l
CROSS JOIN platform.business_date AS d
WHERE l.status = 'open' AND l.oldest_due_date < d.business_date;
