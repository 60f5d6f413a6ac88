-- Identity checks, failures, cases and references to templates.

-- name: add_check
-- One answer of one source.
-- locks   none but its row
INSERT INTO customers.identity_check (
    customer_id, check_id, kind, outcome, source, checked_at, valid_until, document_expires_on,
    is_of_another, consent_id, policy_sha256, recorded_by, asked_at, recorded_at, subject_digest
) VALUES (
    :customer_id, :check_id, :kind, :outcome, :source, :checked_at, :valid_until,
    :document_expires_on, :is_of_another, :consent_id, :policy_sha256, :recorded_by, :asked_at,
    :recorded_at, :subject_digest
);

-- name: latest_checks
-- The latest answer of each kind and source of many customers; of those that were there at an
-- instant, where one is given.
-- gives   at most one row for each kind and source of a customer
-- locks   none
SELECT DISTINCT ON (customer_id, kind, source)
       customer_id, check_id, kind, outcome, source, checked_at, valid_until, document_expires_on,
       is_of_another, subject_digest
FROM customers.identity_check
WHERE customer_id = ANY (:customer_ids::bigint[])
  AND (:at::timestamptz IS NULL OR recorded_at <= :at)
ORDER BY customer_id, kind, source, checked_at DESC, check_id DESC;

-- name: held_customers
-- Customers whose acts a case holds, or held at an instant.
-- gives   at most one row for each customer
-- locks   none
SELECT DISTINCT customer_id
FROM customers.identity_case
WHERE customer_id = ANY (:customer_ids::bigint[]) AND holds
  AND CASE WHEN :at::timestamptz IS NULL THEN closed_at IS NULL
           ELSE opened_at <= :at AND (closed_at IS NULL OR closed_at > :at) END;

-- name: checks_of_customer
-- A customer's checks, newest first; of those that were there at an instant, where one is given.
-- gives   at most :page rows
-- locks   none
SELECT customer_id, check_id, kind, outcome, source, checked_at, valid_until, document_expires_on,
       is_of_another, subject_digest
FROM customers.identity_check
WHERE customer_id = :customer_id AND (:at::timestamptz IS NULL OR recorded_at <= :at)
ORDER BY check_id DESC
LIMIT :page;

-- name: hold_tries
-- Lets one after the other count and add failures of a person, a device or a document.
-- locks   the digests until the transaction ends
SELECT pg_advisory_xact_lock(hashtextextended(encode(digest, 'hex'), 40))
FROM unnest(:digests::bytea[]) AS digest
ORDER BY digest;

-- name: failures_since
-- When a person, a device or a document failed, whoever's check it was.
-- gives   at most :page rows, newest first
-- locks   none
SELECT failed_at
FROM customers.identity_failure
WHERE scope = :scope AND digest = :digest AND failed_at > :since
ORDER BY failed_at DESC
LIMIT :page;

-- name: add_failures
-- A failure for each of what was tried.
-- locks   none but its rows
INSERT INTO customers.identity_failure (customer_id, check_id, scope, digest, failed_at)
SELECT :customer_id, :check_id, scope, digest, :failed_at
FROM unnest(:scopes::text[], :digests::bytea[]) AS tried (scope, digest);

-- name: add_template
-- The reference to a biometric template.
-- locks   none but its row
INSERT INTO customers.identity_template (
    customer_id, check_id, consent_id, template_sha256, expires_at
) VALUES (:customer_id, :check_id, :consent_id, :template_sha256, :expires_at);

-- name: forget_templates_of_consent
-- References that rest on a consent, removed; one that a legal hold keeps is read by nobody and goes
-- when its life is over.
-- gives   customer and check of each
-- locks   its rows
DELETE FROM customers.identity_template
WHERE customer_id = :customer_id AND consent_id = :consent_id
  AND customer_id NOT IN (SELECT h.customer_id FROM reporting.customer_on_hold AS h)
RETURNING customer_id, check_id;

-- name: forget_expired_templates
-- References whose life is over, removed; a legal hold keeps them.
-- gives   customer and check of each
-- locks   its rows
DELETE FROM customers.identity_template
WHERE expires_at <= :now
  AND customer_id NOT IN (SELECT h.customer_id FROM reporting.customer_on_hold AS h)
RETURNING customer_id, check_id;

-- name: open_case
-- A case for a person; one that is open for the same reason stays the only one.
-- gives   the number where it is new
-- locks   none but its row
INSERT INTO customers.identity_case (customer_id, case_id, reason, holds, opened_at)
VALUES (:customer_id, :case_id, :reason, :holds, :opened_at)
ON CONFLICT (customer_id, reason) WHERE closed_at IS NULL DO NOTHING
RETURNING case_id;

-- name: close_case
-- A case that a person has looked at.
-- gives   the reason where it was open
-- locks   its row
UPDATE customers.identity_case
SET closed_at = :closed_at, closed_by = :closed_by, finding = :finding
WHERE customer_id = :customer_id AND case_id = :case_id AND closed_at IS NULL
RETURNING reason;

-- name: cases_of_customer
-- A customer's cases, newest first.
-- gives   at most :page rows
-- locks   none
SELECT customer_id, case_id, reason, holds, opened_at, closed_at, closed_by, finding
FROM customers.identity_case
WHERE customer_id = :customer_id
ORDER BY case_id DESC
LIMIT :page;

-- name: open_cases
-- Open cases, oldest first.
-- gives   at most :page rows after the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT customer_id, case_id, reason, holds, opened_at, closed_at, closed_by, finding
FROM customers.identity_case
WHERE closed_at IS NULL AND case_id > /*turns*/ :after
ORDER BY case_id ASC /*turns*/
LIMIT :page;

-- name: add_account
-- Where a customer is paid from now on.
-- locks   none but its row
INSERT INTO customers.payout_account (
    customer_id, account_id, payee_ref, registered_by, registered_at
) VALUES (:customer_id, :account_id, :payee_ref, :registered_by, :registered_at);

-- name: present_account
-- Where a customer is paid at present.
-- gives   at most one row
-- locks   none
SELECT customer_id, account_id, payee_ref, registered_by, registered_at
FROM customers.payout_account
WHERE customer_id = :customer_id
ORDER BY account_id DESC
LIMIT 1;
