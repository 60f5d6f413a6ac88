-- Addresses that wait for the code which proves them.

-- name: add_request
-- An address that waits; none where too many codes were sent lately.
-- gives   one row where it was added
-- locks   none but its row
INSERT INTO customers.address_request (
    customer_id, request_id, channel, code_mac, code_issued_at, code_expires_at, author,
    requested_at)
SELECT :customer_id, :request_id, :channel, :code_mac, :code_issued_at, :code_expires_at, :author,
       :requested_at
WHERE (SELECT count(*) FROM customers.address_request AS r
       WHERE r.customer_id = :customer_id AND r.requested_at > :since) < :most
RETURNING request_id;

-- name: try_request
-- Counts an attempt at an address, before anybody looks whether its code fits.
-- gives   the request with the attempt counted
-- locks   the row
UPDATE customers.address_request
SET code_attempts = code_attempts + 1
WHERE customer_id = :customer_id AND request_id = :request_id AND code_attempts < 100
RETURNING customer_id, request_id, channel, code_mac, code_issued_at, code_expires_at,
          code_attempts, author, requested_at, confirmed_at;

-- name: confirm_request
-- An address that was proven.
-- gives   nothing
-- locks   the row
UPDATE customers.address_request SET confirmed_at = :now
WHERE customer_id = :customer_id AND request_id = :request_id AND confirmed_at IS NULL;
