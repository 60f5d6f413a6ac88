-- Hosts, their links with customers, what was made through them, and the pages they ask for.

-- name: add_host_version
-- A host as two people registered it.
-- locks   none but its row
INSERT INTO hosts.host_version (
    host_id, version_no, code, name, contract_from, contract_until, products, purposes,
    drawdown_purposes, origins, webhook_url, asked_by, approved_by, approval_id, registered_at
) VALUES (
    :host_id, :version_no, :code, :name, :contract_from, :contract_until, :products, :purposes,
    :drawdown_purposes, :origins, :webhook_url, :asked_by, :approved_by, :approval_id,
    :registered_at
);

-- name: hosts
-- Every host as its last version says, with why it was stopped since.
-- gives   one row a host, at most :page after the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT v.host_id, v.version_no, v.code, v.name, v.contract_from, v.contract_until, v.products,
       v.purposes, v.drawdown_purposes, v.origins, v.webhook_url, v.asked_by, v.approved_by,
       v.approval_id, v.registered_at,
       (SELECT s.reason FROM hosts.host_stop AS s
        WHERE s.host_id = v.host_id AND s.version_no = v.version_no
        ORDER BY s.stop_id LIMIT 1) AS stopped_for
FROM hosts.host_version AS v
WHERE v.host_id > /*turns*/ :after
  AND NOT EXISTS (
      SELECT FROM hosts.host_version AS later
      WHERE later.host_id = v.host_id AND later.version_no > v.version_no
  )
ORDER BY v.host_id ASC /*turns*/
LIMIT :page;

-- name: host
-- One host as its last version says, with why it was stopped since.
-- gives   at most one row
-- locks   none
SELECT v.host_id, v.version_no, v.code, v.name, v.contract_from, v.contract_until, v.products,
       v.purposes, v.drawdown_purposes, v.origins, v.webhook_url, v.asked_by, v.approved_by,
       v.approval_id, v.registered_at,
       (SELECT s.reason FROM hosts.host_stop AS s
        WHERE s.host_id = v.host_id AND s.version_no = v.version_no
        ORDER BY s.stop_id LIMIT 1) AS stopped_for
FROM hosts.host_version AS v
WHERE v.host_id = :host_id
ORDER BY v.version_no DESC
LIMIT 1;

-- name: host_of_code
-- Whose code it is, in any version.
-- gives   at most one number
-- locks   none
SELECT host_id FROM hosts.host_version WHERE code = :code ORDER BY host_id LIMIT 1;

-- name: add_host_stop
-- Stops a host at once.
-- locks   none but its row
INSERT INTO hosts.host_stop (stop_id, host_id, version_no, stopped_by, reason, stopped_at)
VALUES (:stop_id, :host_id, :version_no, :stopped_by, :reason, :stopped_at);

-- name: add_reference
-- A host's own name of a customer; who has it already keeps it.
-- locks   its row
INSERT INTO hosts.reference (host_id, reference, customer_id)
VALUES (:host_id, :reference, :customer_id)
ON CONFLICT ON CONSTRAINT host_reference_taken DO NOTHING;

-- name: customer_of_reference
-- The customer whom a host calls so.
-- gives   at most one number
-- locks   none
SELECT customer_id FROM hosts.reference WHERE host_id = :host_id AND reference = :reference;

-- name: link
-- A host's link with a customer, held until the transaction ends.
-- gives   at most one row
-- locks   the row
SELECT customer_id, host_id, reference, state, needs_check, asked_at, confirmed_at, ended_at,
       ended_by
FROM hosts.link
WHERE customer_id = :customer_id AND host_id = :host_id
FOR UPDATE;

-- name: put_link
-- A link as it stands now.
-- locks   its row
INSERT INTO hosts.link (
    customer_id, host_id, reference, state, needs_check, asked_at, confirmed_at, ended_at, ended_by
) VALUES (
    :customer_id, :host_id, :reference, :state, :needs_check, :asked_at, :confirmed_at, :ended_at,
    :ended_by
)
ON CONFLICT ON CONSTRAINT host_link_pkey DO UPDATE
SET state = excluded.state, needs_check = excluded.needs_check, asked_at = excluded.asked_at,
    confirmed_at = excluded.confirmed_at, ended_at = excluded.ended_at,
    ended_by = excluded.ended_by;

-- name: links_of_customer
-- The hosts that know a customer.
-- gives   one row a host
-- locks   none
SELECT customer_id, host_id, reference, state, needs_check, asked_at, confirmed_at, ended_at,
       ended_by
FROM hosts.link
WHERE customer_id = :customer_id
ORDER BY host_id;

-- name: add_subject
-- Something that was made through a host; told twice it is there once.
-- locks   its row
INSERT INTO hosts.subject (customer_id, kind, subject_id, host_id, product_code, made_at)
VALUES (:customer_id, :kind, :subject_id, :host_id, :product_code, :made_at)
ON CONFLICT ON CONSTRAINT host_subject_pkey DO NOTHING;

-- name: subject
-- What was made through a host under a number.
-- gives   at most one row
-- locks   none
SELECT customer_id, kind, subject_id, host_id, product_code, made_at
FROM hosts.subject
WHERE customer_id = :customer_id AND kind = :kind AND subject_id = :subject_id
  AND host_id = :host_id;

-- name: subjects
-- What was made through a host for a customer, of one kind and some products, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT customer_id, kind, subject_id, host_id, product_code, made_at
FROM hosts.subject
WHERE customer_id = :customer_id AND host_id = :host_id AND kind = :kind
  AND product_code = ANY (:products::text[])
  AND subject_id < /*turns*/ :before
ORDER BY subject_id DESC /*turns*/
LIMIT :page;

-- name: add_page
-- A page that a host asked for.
-- locks   none but its row
INSERT INTO hosts.page (
    customer_id, page_id, host_id, act, asked, return_url, token_sha256, state, made_at, expires_at
) VALUES (
    :customer_id, :page_id, :host_id, :act, :asked, :return_url, :token_sha256, :state, :made_at,
    :expires_at
);

-- name: page_of_token
-- The page that a link leads to. A link does not say whose page it is: what it leads to is found
-- by the digest alone.
-- gives   at most one row
-- locks   none
SELECT customer_id, page_id, host_id, act, asked, return_url, token_sha256, state, made_at,
       expires_at, opened_at, shown, ended_at, result
FROM hosts.page
WHERE token_sha256 = :token_sha256
ORDER BY page_id
LIMIT 1;

-- name: page
-- A page of a customer, held until the transaction ends.
-- gives   at most one row
-- locks   the row
SELECT customer_id, page_id, host_id, act, asked, return_url, token_sha256, state, made_at,
       expires_at, opened_at, shown, ended_at, result
FROM hosts.page
WHERE customer_id = :customer_id AND page_id = :page_id
FOR UPDATE;

-- name: change_page
-- A page as it stands now.
-- locks   the row
UPDATE hosts.page
SET state = :state, opened_at = :opened_at, shown = :shown, ended_at = :ended_at, result = :result
WHERE customer_id = :customer_id AND page_id = :page_id;

-- name: add_code
-- A one-time code of a page in the place of an earlier one; none where too many were sent.
-- gives   one row where it counts
-- locks   the row
INSERT INTO hosts.page_code (customer_id, page_id, mac, issued_at, expires_at)
VALUES (:customer_id, :page_id, :mac, :issued_at, :expires_at)
ON CONFLICT ON CONSTRAINT page_code_pkey DO UPDATE
SET mac = excluded.mac, issued_at = excluded.issued_at, expires_at = excluded.expires_at,
    attempts = 0, used_at = NULL, issued_count = page_code.issued_count + 1
WHERE page_code.issued_count < :most
RETURNING issued_count;

-- name: try_code
-- Counts an attempt at a page's code and gives the code.
-- gives   at most one row
-- locks   the row
UPDATE hosts.page_code SET attempts = attempts + 1
WHERE customer_id = :customer_id AND page_id = :page_id
RETURNING customer_id, page_id AS contract_id, mac, issued_at, expires_at, attempts, issued_count,
          used_at;

-- name: use_code
-- A code is used once.
-- locks   the row
UPDATE hosts.page_code SET used_at = :at
WHERE customer_id = :customer_id AND page_id = :page_id AND used_at IS NULL;
