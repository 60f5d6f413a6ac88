-- name: journals_of_range
-- The journals of a range of customers.
-- gives   the journals of customers after one and up to another
-- locks   none
SELECT j.customer_id, j.journal_id, j.lender_id, j.currency, j.product_code, j.book_date,
       j.posted_at, j.kind, j.loan_id, j.transaction_id, j.accounts, j.amounts
FROM ledger.journal AS j
WHERE j.customer_id > :after AND j.customer_id <= :through
ORDER BY j.customer_id, j.journal_id;

-- name: house_journals
-- The journals of the house itself.
-- gives   at most :page journals after the one given
-- locks   none
SELECT j.customer_id, j.journal_id, j.lender_id, j.currency, j.product_code, j.book_date,
       j.posted_at, j.kind, j.loan_id, j.transaction_id, j.accounts, j.amounts
FROM ledger.journal AS j
WHERE j.customer_id = 0 AND j.journal_id > :after_journal_id
ORDER BY j.journal_id
LIMIT :page;

-- name: balances
-- What every account stands at by lender, product and currency, from the journals alone.
-- gives   one row a book and account
-- locks   none
SELECT p.lender_id, p.product_code, p.currency, p.account, sum(p.amount_minor)::bigint
           AS amount_minor
FROM ledger.posting AS p
GROUP BY p.lender_id, p.product_code, p.currency, p.account;

-- name: balances_at_close
-- What every account stood at as the accrual of a day saw it.
-- gives   one row a book and account
-- locks   none
SELECT p.lender_id, p.product_code, p.currency, p.account, sum(p.amount_minor)::bigint
           AS amount_minor
FROM (
    SELECT j.lender_id, j.product_code, j.currency, u.account, u.amount_minor
    FROM ledger.journal AS j
    CROSS JOIN LATERAL unnest(j.accounts, j.amounts) AS u (account, amount_minor)
    WHERE j.book_date <= :business_date OR j.posted_at < :seen_before
        OR ((j.xmin::text::bigint - :xmax::bigint + 8589934592) % 4294967296 >= 2147483648
            AND j.xmin::text::bigint <> ALL (:in_progress::bigint[]))) AS p
GROUP BY p.lender_id, p.product_code, p.currency, p.account;

-- name: summed_days
-- How many sums of closed dates there are, and up to which date.
-- gives   one row
-- locks   none
SELECT count(*) AS sums, max(d.book_date) AS last_date FROM ledger.day_balance AS d;

-- name: wrong_day_balances
-- Sums of closed dates that differ from their journals, that have none, or that are missing.
-- gives   at most :page of them
-- locks   none
SELECT coalesce(d.book_date, p.book_date) AS book_date,
       coalesce(d.account, p.account) AS account,
       d.debit_minor, d.credit_minor, d.journals,
       p.debit_minor AS posted_debit_minor, p.credit_minor AS posted_credit_minor,
       p.journals AS posted_journals
FROM ledger.day_balance AS d
FULL JOIN (
    SELECT p.book_date, p.lender_id, p.currency, p.product_code, p.account,
           sum(p.debit_minor) AS debit_minor, sum(p.credit_minor) AS credit_minor,
           count(DISTINCT (p.customer_id, p.journal_id)) AS journals
    FROM ledger.posting AS p
    WHERE p.book_date <= :last_date
    GROUP BY p.book_date, p.lender_id, p.currency, p.product_code, p.account) AS p
    USING (book_date, lender_id, currency, product_code, account)
WHERE (d.debit_minor, d.credit_minor, d.journals)
      IS DISTINCT FROM (p.debit_minor, p.credit_minor, p.journals)
ORDER BY 1, 2
LIMIT :page;
