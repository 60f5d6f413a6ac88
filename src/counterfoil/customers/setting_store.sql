-- What customers set: changes on their way, their history, and what holds of the person.

-- name: preference
-- What a customer has set of what belongs to the person.
-- gives   one row, or none while nothing was ever set
-- locks   none
SELECT p.customer_id, p.channels, p.statement_form, p.version
FROM customers.preference AS p
WHERE p.customer_id = :customer_id;

-- name: put_preference
-- What holds from now on; the version guards against a change in between.
-- gives   one row where it was written
-- locks   the customer's row
INSERT INTO customers.preference AS p (
    customer_id, channels, statement_form, version, changed_at)
VALUES (:customer_id, :channels::text[], :statement_form, :version, :changed_at)
ON CONFLICT (customer_id) DO UPDATE
SET channels = excluded.channels, statement_form = excluded.statement_form,
    version = excluded.version, changed_at = excluded.changed_at
WHERE p.version = excluded.version - 1
RETURNING 1;

-- name: set_language
-- The language in which a customer is written to.
-- gives   one row where there is such a customer
-- locks   the customer
UPDATE customers.customer SET language = :language
WHERE customer_id = :customer_id
RETURNING 1;

-- name: lock_person
-- Keeps other changes of the same person away until the end of the transaction.
-- gives   nothing
-- locks   the customer
SELECT 1 FROM customers.customer WHERE customer_id = :customer_id FOR NO KEY UPDATE;

-- name: add_request
-- A change that was asked for and shown.
-- gives   nothing
-- locks   nothing
INSERT INTO customers.setting_request (
    customer_id, request_id, line_id, setting, before_value, after_value, effect, effect_sha256,
    channel, device, author, needs_code, status, requested_at, business_date, code_mac,
    code_issued_at, code_expires_at, code_count)
VALUES (
    :customer_id, :request_id, :line_id, :setting, :before_value, :after_value, :effect,
    :effect_sha256, :channel, :device, :author, :needs_code, 'asked', :requested_at,
    :business_date, :code_mac, :code_issued_at, :code_expires_at, :code_count);

-- name: request
-- One change of a customer.
-- gives   one row, or none
-- locks   none
SELECT r.customer_id, r.request_id, r.line_id, r.setting, r.before_value, r.after_value, r.effect,
       r.effect_sha256, r.channel, r.device, r.author, r.needs_code, r.status, r.requested_at,
       r.business_date, r.confirmed_at, r.ended_at, r.refusal_code
FROM customers.setting_request AS r
WHERE r.customer_id = :customer_id AND r.request_id = :request_id;

-- name: lock_request
-- One change of a customer, to be moved on.
-- gives   one row, or none
-- locks   the change
SELECT r.customer_id, r.request_id, r.line_id, r.setting, r.before_value, r.after_value, r.effect,
       r.effect_sha256, r.channel, r.device, r.author, r.needs_code, r.status, r.requested_at,
       r.business_date, r.confirmed_at, r.ended_at, r.refusal_code
FROM customers.setting_request AS r
WHERE r.customer_id = :customer_id AND r.request_id = :request_id
FOR UPDATE;

-- name: new_code
-- Another one-time code for a change that waits, up to the most that are given out.
-- gives   one row where it was taken
-- locks   the change
UPDATE customers.setting_request
SET code_mac = :code_mac, code_issued_at = :issued_at, code_expires_at = :expires_at,
    code_attempts = 0, code_count = code_count + 1
WHERE customer_id = :customer_id AND request_id = :request_id
  AND status = 'asked' AND needs_code AND code_count < :codes_max
RETURNING 1;

-- name: try_code
-- Counts an attempt at a code, before anybody looks whether it fits.
-- gives   the code with the attempt counted
-- locks   the change
UPDATE customers.setting_request
SET code_attempts = code_attempts + 1
WHERE customer_id = :customer_id AND request_id = :request_id
  AND status = 'asked' AND code_mac IS NOT NULL AND code_attempts < 100
RETURNING code_mac, code_issued_at, code_expires_at, code_attempts;

-- name: confirm
-- The customer has confirmed; from here on it is carried out.
-- gives   one row where it waited
-- locks   the change
UPDATE customers.setting_request
SET status = 'confirmed', confirmed_at = :now, code_mac = NULL
WHERE customer_id = :customer_id AND request_id = :request_id AND status = 'asked'
RETURNING 1;

-- name: finish
-- A change has ended: carried out, or refused.
-- gives   one row where it was under way
-- locks   the change
UPDATE customers.setting_request
SET status = :status, ended_at = :now, refusal_code = :refusal_code
WHERE customer_id = :customer_id AND request_id = :request_id AND status = 'confirmed'
RETURNING 1;

-- name: expire
-- Changes that nobody confirmed in time.
-- gives   one row a change
-- locks   the changes
UPDATE customers.setting_request
SET status = 'expired', ended_at = :now, code_mac = NULL
WHERE status = 'asked' AND requested_at < :before
RETURNING 1;

-- name: add_change
-- A change that was carried out.
-- gives   nothing
-- locks   nothing
INSERT INTO customers.setting_change (
    customer_id, request_id, line_id, setting, before_value, after_value, channel, device, author,
    second_factor, changed_at)
VALUES (
    :customer_id, :request_id, :line_id, :setting, :before_value, :after_value, :channel, :device,
    :author, :second_factor, :changed_at)
ON CONFLICT DO NOTHING;

-- name: changes
-- The history of a customer's settings, newest first.
-- gives   at most :page rows before the change given
-- turns   is read to both sides of its key
-- locks   none
SELECT c.request_id, c.line_id, c.setting, c.before_value, c.after_value, c.channel, c.device,
       c.author, c.second_factor, c.changed_at
FROM customers.setting_change AS c
WHERE c.customer_id = :customer_id AND c.request_id < /*turns*/ :before
ORDER BY c.request_id DESC /*turns*/
LIMIT :page;

-- name: confirmed
-- Changes that were confirmed and not carried out: whoever did it has died.
-- gives   at most :page rows
-- locks   none
SELECT r.customer_id, r.request_id
FROM customers.setting_request AS r
WHERE r.status = 'confirmed' AND r.confirmed_at < :before
ORDER BY r.confirmed_at
LIMIT :page;

-- name: forms_to_send
-- Customers who have their statements sent, with the form.
-- gives   at most :page rows after a customer
-- locks   none
SELECT p.customer_id, p.statement_form
FROM customers.preference AS p
WHERE p.statement_form IN ('email', 'paper') AND p.customer_id > :after
  AND (:since::timestamptz IS NULL OR p.changed_at >= :since)
ORDER BY p.customer_id
LIMIT :page;
