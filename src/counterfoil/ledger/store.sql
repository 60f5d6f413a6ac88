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
