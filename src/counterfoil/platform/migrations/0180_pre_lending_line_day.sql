-- What all lines come to at the end of each closed day, beside what all loans do: figures of the whole
-- book are read from sums that the close has made, however many lines there are.
SET LOCAL lock_timeout = '3s';

CREATE TABLE lending.line_day (
    business_date    date    NOT NULL,
    lender_id        text    NOT NULL,
    product_code     text    NOT NULL,
    currency         char(3) NOT NULL,
    -- Lines that are not closed, and those of them on which something may be drawn.
    lines            bigint  NOT NULL,
    drawable         bigint  NOT NULL,
    limit_minor      bigint  NOT NULL,
    principal_minor  bigint  NOT NULL,
    held_minor       bigint  NOT NULL,
    -- What could be drawn on them: nothing on a line that is blocked.
    available_minor  bigint  NOT NULL,
    CONSTRAINT line_day_pkey PRIMARY KEY (business_date, lender_id, product_code, currency),
    CONSTRAINT line_day_in_range CHECK (
        lines > 0 AND drawable BETWEEN 0 AND lines AND limit_minor >= 0 AND principal_minor >= 0
        AND held_minor >= 0 AND available_minor >= 0)
);

CREATE VIEW reporting.line_day AS
SELECT business_date, lender_id, product_code, currency::text AS currency, lines, drawable,
       limit_minor, principal_minor, held_minor, available_minor
FROM lending.line_day;

-- Sums name no customer, so regions and cases do not part them; product and lender do.
CREATE VIEW desk.line_day AS
SELECT r.*
FROM reporting.line_day AS r
WHERE ((SELECT desk.every('products'))
       OR r.product_code = ANY ((SELECT desk.only('products'))::text[]))
  AND ((SELECT desk.every('lenders'))
       OR r.lender_id = ANY ((SELECT desk.only('lenders'))::text[]));

CREATE VIEW desk.accrual_day AS
SELECT r.*
FROM reporting.accrual_day AS r
WHERE ((SELECT desk.every('products'))
       OR r.product_code = ANY ((SELECT desk.only('products'))::text[]))
  AND ((SELECT desk.every('lenders'))
       OR r.lender_id = ANY ((SELECT desk.only('lenders'))::text[]));

CREATE VIEW desk.day_balance AS
SELECT r.*
FROM reporting.day_balance AS r
WHERE ((SELECT desk.every('products'))
       OR r.product_code = ANY ((SELECT desk.only('products'))::text[]))
  AND ((SELECT desk.every('lenders'))
       OR r.lender_id = ANY ((SELECT desk.only('lenders'))::text[]));

CREATE VIEW desk.posting AS
SELECT r.*
FROM reporting.posting AS r
WHERE ((SELECT desk.every('products'))
       OR r.product_code = ANY ((SELECT desk.only('products'))::text[]))
  AND ((SELECT desk.every('lenders'))
       OR r.lender_id = ANY ((SELECT desk.only('lenders'))::text[]));
