-- Contracts, what was shown of them, their one-time codes and what is sealed of them.

-- name: contracts_of_keys
-- The open and the signed contracts of applications; the order of columns is that of the fields.
-- gives   the contracts, newest first
-- locks   none
SELECT c.customer_id, c.contract_id, c.application_id, c.product_code, c.product_version,
       c.lender_id, c.template_code, c.template_version, c.currency, c.limit_minor,
       c.rate_daily_e8, c.state, c.prepared_on, c.valid_until, c.sha256_zh, c.sha256_en,
       c.cost_sheet_sha256, c.prepared_at, c.replaces, c.effective_on, c.signed_at,
       c.signed_language, c.evidence, c.pdf_sha256, c.pdf_due, c.changes, c.is_binding,
       c.from_limit_minor, c.from_rate_daily_e8, c.price_since
FROM unnest(:keys::contracts.contract_key_v1[]) AS k
JOIN contracts.contract AS c
  ON c.customer_id = k.customer_id AND c.application_id = k.application_id
WHERE c.state = ANY (:states::text[])
ORDER BY c.customer_id, c.contract_id DESC;

-- name: contract
-- One contract of a customer.
-- gives   at most one row
-- locks   none
SELECT c.customer_id, c.contract_id, c.application_id, c.product_code, c.product_version,
       c.lender_id, c.template_code, c.template_version, c.currency, c.limit_minor,
       c.rate_daily_e8, c.state, c.prepared_on, c.valid_until, c.sha256_zh, c.sha256_en,
       c.cost_sheet_sha256, c.prepared_at, c.replaces, c.effective_on, c.signed_at,
       c.signed_language, c.evidence, c.pdf_sha256, c.pdf_due, c.changes, c.is_binding,
       c.from_limit_minor, c.from_rate_daily_e8, c.price_since
FROM contracts.contract AS c
WHERE c.customer_id = :customer_id AND c.contract_id = :contract_id;

-- name: contract_locked
-- One contract of a customer, to be changed.
-- gives   at most one row
-- locks   the contract
SELECT c.customer_id, c.contract_id, c.application_id, c.product_code, c.product_version,
       c.lender_id, c.template_code, c.template_version, c.currency, c.limit_minor,
       c.rate_daily_e8, c.state, c.prepared_on, c.valid_until, c.sha256_zh, c.sha256_en,
       c.cost_sheet_sha256, c.prepared_at, c.replaces, c.effective_on, c.signed_at,
       c.signed_language, c.evidence, c.pdf_sha256, c.pdf_due, c.changes, c.is_binding,
       c.from_limit_minor, c.from_rate_daily_e8, c.price_since
FROM contracts.contract AS c
WHERE c.customer_id = :customer_id AND c.contract_id = :contract_id
FOR UPDATE;

-- name: add_contracts
-- New contracts.
-- gives   nothing
-- locks   nothing
INSERT INTO contracts.contract (
    customer_id, contract_id, application_id, product_code, product_version, lender_id,
    template_code, template_version, currency, limit_minor, rate_daily_e8, state, prepared_on,
    valid_until, sha256_zh, sha256_en, cost_sheet_sha256, prepared_at, replaces, effective_on,
    signed_at, signed_language, evidence, pdf_sha256, pdf_due, changes, is_binding,
    from_limit_minor, from_rate_daily_e8, price_since)
SELECT r.customer_id, r.contract_id, r.application_id, r.product_code, r.product_version,
       r.lender_id, r.template_code, r.template_version, r.currency, r.limit_minor,
       r.rate_daily_e8, r.state, r.prepared_on, r.valid_until, r.sha256_zh, r.sha256_en,
       r.cost_sheet_sha256, r.prepared_at, r.replaces, r.effective_on, r.signed_at,
       r.signed_language, r.evidence, r.pdf_sha256, r.pdf_due, r.changes, r.is_binding,
       r.from_limit_minor, r.from_rate_daily_e8, r.price_since
FROM unnest(:rows::contracts.contract_v2[]) AS r;

-- name: supersede_open
-- The open contracts of applications give way to new ones.
-- gives   nothing
-- locks   the contracts
UPDATE contracts.contract AS c
SET state = 'superseded'
FROM unnest(:keys::contracts.contract_key_v1[]) AS k
WHERE c.customer_id = k.customer_id AND c.application_id = k.application_id
  AND c.state = 'prepared';

-- name: sign_contract
-- An open contract is signed.
-- gives   nothing
-- locks   the contract
UPDATE contracts.contract
SET state = 'signed', signed_at = :signed_at, signed_language = :signed_language,
    evidence = :evidence, pdf_due = :pdf_due
WHERE customer_id = :customer_id AND contract_id = :contract_id AND state = 'prepared';

-- name: issue_file
-- The signed file of a contract was issued, unless it was before.
-- gives   one value where it was
-- locks   the contract
UPDATE contracts.contract
SET pdf_sha256 = :pdf_sha256, pdf_due = false
WHERE customer_id = :customer_id AND contract_id = :contract_id
  AND state = 'signed' AND pdf_sha256 IS NULL
RETURNING 1;

-- name: files_due
-- Signed contracts whose file the worker is to issue, but for lenders that cannot sign now.
-- gives   at most :page keys
-- locks   none
SELECT customer_id, contract_id, lender_id
FROM contracts.contract
WHERE pdf_due AND lender_id <> ALL (:without::text[])
ORDER BY customer_id, contract_id
LIMIT :page;

-- name: decline_contract
-- The customer does not take a new version.
-- gives   one value where it was open
-- locks   the contract
UPDATE contracts.contract
SET state = 'declined'
WHERE customer_id = :customer_id AND contract_id = :contract_id
  AND state = 'prepared' AND replaces IS NOT NULL
RETURNING 1;

-- name: pending_change
-- The last change of a line's agreement that waits for its day or its signature: signed, or one
-- that new drawings need, signed or not.
-- gives   at most one row
-- locks   none
SELECT c.customer_id, c.contract_id, c.application_id, c.product_code, c.product_version,
       c.lender_id, c.template_code, c.template_version, c.currency, c.limit_minor,
       c.rate_daily_e8, c.state, c.prepared_on, c.valid_until, c.sha256_zh, c.sha256_en,
       c.cost_sheet_sha256, c.prepared_at, c.replaces, c.effective_on, c.signed_at,
       c.signed_language, c.evidence, c.pdf_sha256, c.pdf_due, c.changes, c.is_binding,
       c.from_limit_minor, c.from_rate_daily_e8, c.price_since
FROM contracts.contract AS c
WHERE c.customer_id = :customer_id AND c.application_id = :application_id
  AND c.replaces = :replaces
  AND (c.state = 'signed'
       OR c.state IN ('prepared', 'declined')
          AND (c.is_binding OR c.product_version <> :product_version))
ORDER BY c.contract_id DESC
LIMIT 1;

-- name: withdraw_contract
-- The lender takes the notice of a new version back.
-- gives   one value where it was not signed
-- locks   the contract
UPDATE contracts.contract
SET state = 'withdrawn'
WHERE customer_id = :customer_id AND contract_id = :contract_id
  AND state IN ('prepared', 'declined') AND replaces IS NOT NULL
RETURNING 1;

-- name: versions_of_line
-- New versions of a line's agreement, newest first.
-- gives   at most :page rows before the number given
-- locks   none
SELECT c.customer_id, c.contract_id, c.application_id, c.product_code, c.product_version,
       c.lender_id, c.template_code, c.template_version, c.currency, c.limit_minor,
       c.rate_daily_e8, c.state, c.prepared_on, c.valid_until, c.sha256_zh, c.sha256_en,
       c.cost_sheet_sha256, c.prepared_at, c.replaces, c.effective_on, c.signed_at,
       c.signed_language, c.evidence, c.pdf_sha256, c.pdf_due, c.changes, c.is_binding,
       c.from_limit_minor, c.from_rate_daily_e8, c.price_since
FROM contracts.contract AS c
WHERE c.customer_id = :customer_id AND c.application_id = :application_id
  AND c.replaces IS NOT NULL AND c.contract_id < :before
ORDER BY c.contract_id DESC
LIMIT :page;

-- name: add_sealed
-- What is sealed of contracts.
-- gives   nothing
-- locks   nothing
INSERT INTO contracts.sealed (customer_id, contract_id, kind, ciphertext)
SELECT r.customer_id, r.contract_id, r.kind, r.ciphertext
FROM unnest(:rows::contracts.sealed_v1[]) AS r;

-- name: sealed
-- What is sealed of a contract.
-- gives   at most one value
-- locks   none
SELECT ciphertext
FROM contracts.sealed
WHERE customer_id = :customer_id AND contract_id = :contract_id AND kind = :kind;

-- name: forget_sealed
-- What is sealed of a customer's contracts goes with its key; hashes and evidence stay.
-- gives   nothing
-- locks   the rows
DELETE FROM contracts.sealed WHERE customer_id = :customer_id;

-- name: sealed_left
-- Customers of those given of whose contracts something is sealed still.
-- gives   at most one row a customer
-- locks   none
SELECT s.customer_id, count(*) AS files
FROM contracts.sealed AS s
WHERE s.customer_id = ANY (:customer_ids::bigint[])
GROUP BY s.customer_id
ORDER BY s.customer_id;

-- name: add_showings
-- What was shown; the first time counts.
-- gives   nothing
-- locks   nothing
INSERT INTO contracts.showing (customer_id, contract_id, part, language, shown_at)
SELECT r.customer_id, r.contract_id, r.part, r.language, r.shown_at
FROM unnest(:rows::contracts.showing_v1[]) AS r
ON CONFLICT DO NOTHING;

-- name: showings
-- What was shown of a contract.
-- gives   at most one row a part and language
-- locks   none
SELECT part, language, shown_at
FROM contracts.showing
WHERE customer_id = :customer_id AND contract_id = :contract_id
ORDER BY part, language;

-- name: put_codes
-- Codes that were sent; a newer one takes the place of the one before it, a few times.
-- gives   one value a code that was taken
-- locks   the codes
INSERT INTO contracts.one_time_code AS o (
    customer_id, contract_id, mac, issued_at, expires_at, attempts, issued_count, used_at)
SELECT r.customer_id, r.contract_id, r.mac, r.issued_at, r.expires_at, r.attempts,
       r.issued_count, r.used_at
FROM unnest(:rows::contracts.code_v1[]) AS r
ON CONFLICT (customer_id, contract_id) DO UPDATE
SET mac = excluded.mac, issued_at = excluded.issued_at, expires_at = excluded.expires_at,
    attempts = 0, issued_count = o.issued_count + 1
WHERE o.used_at IS NULL AND o.issued_count < :issued_max
RETURNING 1;

-- name: try_code
-- Counts an attempt before anybody looks whether it is right.
-- gives   the code with the attempt counted, where there is one
-- locks   the code
UPDATE contracts.one_time_code
SET attempts = least(attempts + 1, 100)
WHERE customer_id = :customer_id AND contract_id = :contract_id
RETURNING customer_id, contract_id, mac, issued_at, expires_at, attempts, issued_count, used_at;

-- name: use_code
-- A code is used, once.
-- gives   one value where it was not used before
-- locks   the code
UPDATE contracts.one_time_code
SET used_at = :used_at
WHERE customer_id = :customer_id AND contract_id = :contract_id AND mac = :mac
  AND used_at IS NULL
RETURNING 1;

-- name: versions_taking_effect
-- Signed new versions whose day came in a span that ends today, after the key given.
-- gives   at most :page rows
-- locks   none
SELECT c.customer_id, c.contract_id, c.application_id, c.product_code, c.product_version,
       c.lender_id, c.template_code, c.template_version, c.currency, c.limit_minor,
       c.rate_daily_e8, c.state, c.prepared_on, c.valid_until, c.sha256_zh, c.sha256_en,
       c.cost_sheet_sha256, c.prepared_at, c.replaces, c.effective_on, c.signed_at,
       c.signed_language, c.evidence, c.pdf_sha256, c.pdf_due, c.changes, c.is_binding,
       c.from_limit_minor, c.from_rate_daily_e8, c.price_since
FROM contracts.contract AS c
WHERE c.state = 'signed' AND c.replaces IS NOT NULL
  AND c.effective_on > :after_date AND c.effective_on <= :on_date
  AND (c.customer_id, c.contract_id) > (:after_customer_id, :after_contract_id)
ORDER BY c.customer_id, c.contract_id
LIMIT :page;

-- name: contracts_of_customer
-- The contracts of a customer, for lists.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT c.customer_id, c.contract_id, c.application_id, c.product_code, c.product_version,
       c.lender_id, c.template_code, c.template_version, c.currency, c.limit_minor,
       c.rate_daily_e8, c.state, c.prepared_on, c.valid_until, c.sha256_zh, c.sha256_en,
       c.cost_sheet_sha256, c.prepared_at, c.replaces, c.effective_on, c.signed_at,
       c.signed_language, c.evidence, c.pdf_sha256, c.pdf_due, c.changes, c.is_binding,
       c.from_limit_minor, c.from_rate_daily_e8, c.price_since
FROM contracts.contract AS c
WHERE c.customer_id = :customer_id
  AND c.contract_id < /*turns*/ :before
ORDER BY c.contract_id DESC /*turns*/
LIMIT :page;
