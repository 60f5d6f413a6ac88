-- name: add_journals
-- Journals of a batch.
-- gives   nothing
-- locks   nothing
INSERT INTO ledger.journal (
    customer_id, journal_id, lender_id, currency, product_code, book_date, posted_at, kind,
    loan_id, transaction_id, accounts, amounts)
SELECT r.customer_id, r.journal_id, r.lender_id, r.currency, r.product_code, r.book_date,
       r.posted_at, r.kind, r.loan_id, r.transaction_id, r.accounts, r.amounts
FROM unnest(:rows::ledger.journal_v1[]) AS r;

-- name: receivable_balances
-- What interest, penalty and fees receivable stand at, closed days by their sums.
-- gives   one row a lender, product, currency and account that was ever posted to
-- locks   none
SELECT b.lender_id, b.product_code, b.currency, b.account, sum(b.amount_minor)::bigint AS amount_minor
FROM (
    SELECT d.lender_id, d.product_code, d.currency, d.account,
           d.debit_minor - d.credit_minor AS amount_minor
    FROM ledger.day_balance AS d
    WHERE d.account IN (1132, 1133, 1134)
    UNION ALL
    SELECT p.lender_id, p.product_code, p.currency, p.account, p.amount_minor
    FROM ledger.posting AS p
    WHERE p.account IN (1132, 1133, 1134)
      AND p.book_date > coalesce(
          (SELECT max(d.book_date) FROM ledger.day_balance AS d), '-infinity'::date)
) AS b
GROUP BY b.lender_id, b.product_code, b.currency, b.account;

-- name: index_dates
-- Brings the index of book dates up to date with what was posted, which autovacuum does only after
-- a fifth of a large table is new: till then every read of a date reads that fifth.
-- gives   one row, none where the program does not own the table
-- locks   the journals against vacuum and changes of their form, not against writing
SELECT brin_summarize_new_values(c.oid)
FROM pg_class AS c
WHERE c.oid = 'ledger.journal_book_date'::regclass AND pg_has_role(c.relowner, 'USAGE');

-- name: add_day_balances
-- Sums of a closed book date; there is one row at least, so that the date shows as summed.
-- gives   nothing
-- locks   nothing
INSERT INTO ledger.day_balance (
    book_date, lender_id, currency, product_code, account, debit_minor, credit_minor, journals)
SELECT p.book_date, p.lender_id, p.currency, p.product_code, p.account, sum(p.debit_minor),
       sum(p.credit_minor), count(DISTINCT (p.customer_id, p.journal_id))
FROM ledger.posting AS p
WHERE p.book_date = :book_date
GROUP BY p.book_date, p.lender_id, p.currency, p.product_code, p.account;

-- name: trial_balance
-- Debits, credits and balance of each account up to and including a date.
-- gives   one row a lender, currency and account that was ever posted to
-- locks   none
SELECT b.lender_id, b.currency, b.account, sum(b.debit_minor)::bigint AS debit_minor,
       sum(b.credit_minor)::bigint AS credit_minor
FROM (
    SELECT d.lender_id, d.currency, d.account, d.debit_minor, d.credit_minor
    FROM ledger.day_balance AS d
    WHERE d.book_date <= :on_date
    UNION ALL
    SELECT p.lender_id, p.currency, p.account, p.debit_minor, p.credit_minor
    FROM ledger.posting AS p
    WHERE p.book_date <= :on_date AND p.book_date > coalesce(
        (SELECT max(d.book_date) FROM ledger.day_balance AS d), '-infinity'::date)
) AS b
GROUP BY b.lender_id, b.currency, b.account
ORDER BY b.lender_id, b.currency, b.account;

-- name: journals_of_loan
-- Journals of one loan with their postings.
-- gives   the journals in the order of booking
-- locks   none
SELECT j.customer_id, j.journal_id, j.lender_id, j.currency, j.product_code, j.book_date,
       j.posted_at, j.kind, j.loan_id, j.transaction_id, j.accounts, j.amounts
FROM ledger.journal AS j
WHERE j.customer_id = :customer_id AND j.loan_id = :loan_id
ORDER BY j.journal_id;

-- name: journal
-- One journal.
-- gives   at most one row
-- locks   none
SELECT j.customer_id, j.journal_id, j.lender_id, j.currency, j.product_code, j.book_date,
       j.posted_at, j.kind, j.loan_id, j.transaction_id, j.accounts, j.amounts
FROM ledger.journal AS j
WHERE j.customer_id = :customer_id AND j.journal_id = :journal_id;

-- name: journals_of_account
-- Journals that post to an account on the dates of a span.
-- gives   at most :page journals after the key given, in the order of their keys
-- turns   is read to both sides of its key
-- locks   none
SELECT j.customer_id, j.journal_id, j.lender_id, j.currency, j.product_code, j.book_date,
       j.posted_at, j.kind, j.loan_id, j.transaction_id, j.accounts, j.amounts
FROM ledger.journal AS j
WHERE j.book_date BETWEEN :from_date AND :to_date
  AND :account::integer = ANY (j.accounts)
  AND (j.journal_id, j.customer_id) > /*turns*/ (:after_journal_id, :after_customer_id)
ORDER BY j.journal_id ASC /*turns*/, j.customer_id ASC /*turns*/
LIMIT :page;

-- name: totals
-- All journals ever posted.
-- gives   one row
-- locks   none
SELECT count(*) AS journals,
       coalesce(sum((SELECT sum(a) FROM unnest(j.amounts) AS u (a) WHERE a > 0)), 0)::bigint
           AS debits_minor,
       coalesce(sum((SELECT -sum(a) FROM unnest(j.amounts) AS u (a) WHERE a < 0)), 0)::bigint
           AS credits_minor
FROM ledger.journal AS j;

-- name: payouts_of_day
-- What left the bank for customers on a book date: drawdowns, and credit that went back.
-- gives   one row a payout, by the number that it shares with its payment
-- locks   none
SELECT p.customer_id, coalesce(p.loan_id, p.transaction_id) AS payment_id,
       (-sum(p.amount_minor))::bigint AS amount_minor
FROM ledger.posting AS p
WHERE p.book_date = :on_date AND p.account = :bank::integer
  AND p.kind IN ('disbursement', 'credit_return_paid')
GROUP BY p.customer_id, coalesce(p.loan_id, p.transaction_id)
HAVING sum(p.amount_minor) <> 0
ORDER BY p.customer_id, coalesce(p.loan_id, p.transaction_id);

-- name: receipts_of_transactions
-- What came in at the bank by some transactions of loans, on whatever date.
-- gives   at most one row a transaction
-- locks   none
SELECT p.customer_id, p.transaction_id, sum(p.amount_minor)::bigint AS amount_minor
FROM unnest(:customer_ids::bigint[], :transaction_ids::bigint[])
    AS k (customer_id, transaction_id)
JOIN ledger.posting AS p
  ON p.customer_id = k.customer_id AND p.transaction_id = k.transaction_id
 AND p.account = :bank::integer
GROUP BY p.customer_id, p.transaction_id;

-- name: payouts_of_keys
-- What left the bank for some payments, on whatever date.
-- gives   at most one row a key
-- locks   none
SELECT p.customer_id, k.payment_id, (-sum(p.amount_minor))::bigint AS amount_minor
FROM unnest(:customer_ids::bigint[], :payment_ids::bigint[]) AS k (customer_id, payment_id)
JOIN ledger.posting AS p
  ON p.customer_id = k.customer_id AND p.account = :bank::integer
 AND ((p.kind = 'disbursement' AND p.loan_id = k.payment_id)
      OR (p.kind = 'credit_return_paid' AND p.transaction_id = k.payment_id))
GROUP BY p.customer_id, k.payment_id
HAVING sum(p.amount_minor) <> 0
ORDER BY p.customer_id, k.payment_id;
