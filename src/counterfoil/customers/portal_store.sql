-- Codes and sessions of customers at the portal.

-- name: hold_customer
-- Lets one after the other ask for codes of a customer.
-- locks   the customer's number until the transaction ends
SELECT pg_advisory_xact_lock(hashtextextended('portal_code', :customer_id));

-- name: codes_since
-- When codes were issued for a customer.
-- gives   at most one row for each code
-- locks   none
SELECT issued_at
FROM customers.portal_code
WHERE customer_id = :customer_id AND issued_at > :since;

-- name: forget_codes
-- Removes codes of a customer that are of no use any more.
-- locks   its rows
DELETE FROM customers.portal_code
WHERE customer_id = :customer_id AND issued_at <= :before;

-- name: add_code
-- A code that was issued.
-- locks   none but its row
INSERT INTO customers.portal_code (
    customer_id, code_id, visitor_sha256, mac, issued_at, expires_at
) VALUES (:customer_id, :code_id, :visitor_sha256, :mac, :issued_at, :expires_at);

-- name: latest_code
-- The latest code of a customer that a browser asked for.
-- gives   at most one row
-- locks   none
SELECT code_id
FROM customers.portal_code
WHERE customer_id = :customer_id AND visitor_sha256 = :visitor_sha256
ORDER BY issued_at DESC, code_id DESC
LIMIT 1;

-- name: count_attempt
-- Counts an attempt at a code before anybody looks whether it fits.
-- gives   the code with the attempt
-- locks   its row
UPDATE customers.portal_code
SET attempts = attempts + 1
WHERE customer_id = :customer_id AND code_id = :code_id AND attempts < 32000
RETURNING customer_id, code_id AS contract_id, mac, issued_at, expires_at, attempts,
          1 AS issued_count, used_at;

-- name: use_code
-- Marks a code as used.
-- gives   a row where it was not used before
-- locks   its row
UPDATE customers.portal_code
SET used_at = :at
WHERE customer_id = :customer_id AND code_id = :code_id AND used_at IS NULL
RETURNING code_id;

-- name: add_session
-- A session, or a link where it was not opened.
-- locks   none but its row
INSERT INTO customers.portal_session (
    customer_id, session_id, token_sha256, scope, return_to, made_at, opened_at, seen_at, ends_at
) VALUES (
    :customer_id, :session_id, :token_sha256, :scope, :return_to, :at, :opened_at, :at, :ends_at
);

-- name: session
-- A session or link by its token.
-- gives   at most one row
-- locks   none
SELECT customer_id, session_id, scope, return_to, made_at, opened_at, seen_at, ends_at, ended_at
FROM customers.portal_session
WHERE customer_id = :customer_id AND session_id = :session_id AND token_sha256 = :token_sha256;

-- name: open_link
-- Opens a link: once, and under the session's own token.
-- gives   a row where it could be opened
-- locks   its row
UPDATE customers.portal_session
SET token_sha256 = :new_sha256, opened_at = :at, seen_at = :at, ends_at = :ends_at
WHERE customer_id = :customer_id AND session_id = :session_id AND token_sha256 = :token_sha256
  AND opened_at IS NULL AND ended_at IS NULL AND portal_session.ends_at > :at
RETURNING customer_id, session_id, scope, return_to, made_at, opened_at, seen_at, ends_at, ended_at;

-- name: touch_session
-- Notes that a session is in use.
-- locks   its row
UPDATE customers.portal_session
SET seen_at = :at
WHERE customer_id = :customer_id AND session_id = :session_id AND seen_at < :at;

-- name: end_session
-- Ends one session.
-- locks   its row
UPDATE customers.portal_session
SET ended_at = :at
WHERE customer_id = :customer_id AND session_id = :session_id AND ended_at IS NULL;

-- name: end_others
-- Ends every session and link of a customer but one.
-- locks   their rows
UPDATE customers.portal_session
SET ended_at = :at
WHERE customer_id = :customer_id AND session_id <> :session_id AND ended_at IS NULL;

-- name: forget_sessions
-- Removes what a customer does not need to see any more.
-- locks   their rows
DELETE FROM customers.portal_session
WHERE customer_id = :customer_id AND made_at <= :before;

-- name: recent_sessions
-- The latest sessions of a customer, newest first.
-- gives   at most :page rows
-- locks   none
SELECT customer_id, session_id, scope, return_to, made_at, opened_at, seen_at, ends_at, ended_at
FROM customers.portal_session
WHERE customer_id = :customer_id AND opened_at IS NOT NULL
ORDER BY made_at DESC, session_id DESC
LIMIT :page;
