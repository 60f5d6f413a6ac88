-- Inquiries, reports, openings, and answers that were kept as evidence.

-- name: add_inquiries
-- New intents; their consents' uses are counted in the same transaction.
-- locks   none but its rows
INSERT INTO bureau.inquiry (
    customer_id, inquiry_id, consent_id, use_no, occasion, purpose, reason_code, bureau, jti,
    state, intent_leaf_id, asked_at, answer_by
)
SELECT r.customer_id, r.inquiry_id, r.consent_id, r.use_no, r.occasion, r.purpose, r.reason_code,
       r.bureau, r.jti, 'intent', r.intent_leaf_id, r.asked_at, r.answer_by
FROM unnest(:rows::bureau.inquiry_v1[]) AS r;

-- name: mark_sent
-- Intents whose question leaves the house now for the first time.
-- locks   its rows
UPDATE bureau.inquiry AS i
SET sent_at = :sent_at
FROM unnest(:customer_ids::bigint[], :inquiry_ids::bigint[]) AS given (customer_id, inquiry_id)
WHERE i.customer_id = given.customer_id AND i.inquiry_id = given.inquiry_id
  AND i.state = 'intent' AND i.sent_at IS NULL;

-- name: lock_inquiries
-- Inquiries under their locks, in the order of their numbers.
-- gives   one row an inquiry that there is
-- locks   its rows
SELECT i.customer_id, i.inquiry_id, i.consent_id, i.use_no, i.occasion, i.purpose, i.reason_code,
       i.bureau, i.jti, i.state, i.intent_leaf_id, i.asked_at, i.answer_by, i.sent_at,
       i.outcome_leaf_id, i.ended_at, i.outcome_code, i.bureau_reference, i.sealed_sha256
FROM bureau.inquiry AS i
JOIN unnest(:customer_ids::bigint[], :inquiry_ids::bigint[]) AS given (customer_id, inquiry_id)
  ON i.customer_id = given.customer_id AND i.inquiry_id = given.inquiry_id
ORDER BY i.customer_id, i.inquiry_id
FOR UPDATE OF i;

-- name: end_inquiries
-- Outcomes of inquiries that are locked and open.
-- locks   its rows
UPDATE bureau.inquiry AS i
SET state = r.state, outcome_leaf_id = r.outcome_leaf_id, ended_at = r.ended_at,
    outcome_code = r.outcome_code, bureau_reference = r.bureau_reference,
    sealed_sha256 = r.sealed_sha256
FROM unnest(:rows::bureau.outcome_v1[]) AS r
WHERE i.customer_id = r.customer_id AND i.inquiry_id = r.inquiry_id AND i.state = 'intent';

-- name: open_inquiries
-- Inquiries without an outcome that were asked before an instant, oldest first.
-- gives   at most :page rows after the key given
-- locks   none
SELECT i.customer_id, i.inquiry_id, i.consent_id, i.use_no, i.occasion, i.purpose, i.reason_code,
       i.bureau, i.jti, i.state, i.intent_leaf_id, i.asked_at, i.answer_by, i.sent_at,
       i.outcome_leaf_id, i.ended_at, i.outcome_code, i.bureau_reference, i.sealed_sha256
FROM bureau.inquiry AS i
WHERE i.state = 'intent' AND i.bureau = :bureau AND i.asked_at <= :asked_before
  AND (i.asked_at, i.customer_id, i.inquiry_id)
      > (:after_asked_at, :after_customer_id, :after_inquiry_id)
ORDER BY i.asked_at, i.customer_id, i.inquiry_id
LIMIT :page;

-- name: inquiries_of_customer
-- A customer's inquiries, newest first, each with the consent's life as far as its report tells.
-- gives   at most :page rows below the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT i.customer_id, i.inquiry_id, i.consent_id, i.use_no, i.occasion, i.purpose, i.reason_code,
       i.bureau, i.jti, i.state, i.intent_leaf_id, i.asked_at, i.answer_by, i.sent_at,
       i.outcome_leaf_id, i.ended_at, i.outcome_code, i.bureau_reference, i.sealed_sha256
FROM bureau.inquiry AS i
WHERE i.customer_id = :customer_id AND i.inquiry_id < /*turns*/ :before
ORDER BY i.inquiry_id DESC /*turns*/
LIMIT :page;

-- name: inquiries_of_range
-- All inquiries in the order of their numbers, for whoever audits them.
-- gives   at most :page rows after the number given
-- locks   none
SELECT i.customer_id, i.inquiry_id, i.consent_id, i.use_no, i.occasion, i.purpose, i.reason_code,
       i.bureau, i.jti, i.state, i.intent_leaf_id, i.asked_at, i.answer_by, i.sent_at,
       i.outcome_leaf_id, i.ended_at, i.outcome_code, i.bureau_reference, i.sealed_sha256
FROM bureau.inquiry AS i
WHERE i.inquiry_id > :after
ORDER BY i.inquiry_id, i.customer_id
LIMIT :page;

-- name: add_reports
-- Reports as they arrived, sealed under the customers' keys.
-- locks   the inquiries, shared
INSERT INTO bureau.report (
    customer_id, report_id, inquiry_id, consent_id, purpose, bureau, jti, received_at, expires_at,
    sealed
)
SELECT r.customer_id, r.report_id, r.inquiry_id, r.consent_id, r.purpose, r.bureau, r.jti,
       r.received_at, r.expires_at, r.sealed
FROM unnest(:rows::bureau.report_v1[]) AS r;

-- name: fresh_reports
-- The newest living report of each of some customers for any of some purposes.
-- gives   at most one row a customer
-- locks   none
SELECT DISTINCT ON (p.customer_id) p.customer_id, p.report_id, p.inquiry_id, p.consent_id,
       p.purpose, p.bureau, p.jti, p.received_at, p.expires_at, p.sealed, p.erased_at
FROM bureau.report AS p
WHERE p.customer_id = ANY (:customer_ids::bigint[]) AND p.bureau = :bureau
  AND p.purpose = ANY (:purposes::text[]) AND p.erased_at IS NULL AND p.expires_at > :now
ORDER BY p.customer_id, p.received_at DESC, p.report_id DESC;

-- name: reports_of_customer
-- A customer's reports, erased ones too, newest first.
-- gives   at most :page rows
-- locks   none
SELECT p.customer_id, p.report_id, p.inquiry_id, p.consent_id, p.purpose, p.bureau, p.jti,
       p.received_at, p.expires_at, NULL::bytea AS sealed, p.erased_at
FROM bureau.report AS p
WHERE p.customer_id = :customer_id
ORDER BY p.report_id DESC
LIMIT :page;

-- name: report
-- One report.
-- gives   at most one row
-- locks   none
SELECT p.customer_id, p.report_id, p.inquiry_id, p.consent_id, p.purpose, p.bureau, p.jti,
       p.received_at, p.expires_at, p.sealed, p.erased_at
FROM bureau.report AS p
WHERE p.customer_id = :customer_id AND p.report_id = :report_id;

-- name: reports_of_inquiries
-- The reports that inquiries led to.
-- gives   at most one row an inquiry
-- locks   none
SELECT p.customer_id, p.report_id, p.inquiry_id, p.consent_id, p.purpose, p.bureau, p.jti,
       p.received_at, p.expires_at, p.sealed, p.erased_at
FROM bureau.report AS p
JOIN unnest(:customer_ids::bigint[], :inquiry_ids::bigint[]) AS given (customer_id, inquiry_id)
  ON p.customer_id = given.customer_id AND p.inquiry_id = given.inquiry_id
ORDER BY p.customer_id, p.report_id;

-- name: expired_reports
-- Reports whose data life is over, longest ago first; others at work are passed by, and a legal hold
-- keeps them.
-- gives   at most :page rows
-- locks   its rows
SELECT p.customer_id, p.report_id
FROM bureau.report AS p
WHERE p.erased_at IS NULL AND p.expires_at <= :now
  AND p.customer_id NOT IN (SELECT h.customer_id FROM reporting.customer_on_hold AS h)
ORDER BY p.expires_at, p.customer_id, p.report_id
LIMIT :page
FOR UPDATE OF p SKIP LOCKED;

-- name: erase_reports
-- What is left of reports when their life is over: that there was one.
-- locks   its rows
UPDATE bureau.report AS p
SET sealed = NULL, erased_at = :erased_at
FROM unnest(:customer_ids::bigint[], :report_ids::bigint[]) AS given (customer_id, report_id)
WHERE p.customer_id = given.customer_id AND p.report_id = given.report_id
  AND p.erased_at IS NULL;

-- name: expired_answers
-- Kept answers whose data life is over, longest ago first; a legal hold keeps them.
-- gives   at most :page rows
-- locks   its rows
SELECT a.customer_id, a.answer_id
FROM bureau.answer_kept AS a
WHERE a.erased_at IS NULL AND coalesce(a.expires_at, a.received_at + 2592000) <= :now
  AND a.customer_id NOT IN (SELECT h.customer_id FROM reporting.customer_on_hold AS h)
ORDER BY coalesce(a.expires_at, a.received_at + 2592000), a.customer_id, a.answer_id
LIMIT :page
FOR UPDATE OF a SKIP LOCKED;

-- name: erase_answers
-- What is left of kept answers when their life is over: that there was one, and its hash.
-- locks   its rows
UPDATE bureau.answer_kept AS a
SET sealed = NULL, erased_at = :erased_at
FROM unnest(:customer_ids::bigint[], :answer_ids::bigint[]) AS given (customer_id, answer_id)
WHERE a.customer_id = given.customer_id AND a.answer_id = given.answer_id AND a.erased_at IS NULL;

-- name: nothing_sealed
-- Those of some customers of whom the bureau's word is sealed nowhere any more.
-- gives   at most one row a customer
-- locks   none
SELECT given.customer_id
FROM unnest(:customer_ids::bigint[]) AS given (customer_id)
WHERE NOT EXISTS (
          SELECT FROM bureau.report AS p
          WHERE p.customer_id = given.customer_id AND p.erased_at IS NULL)
  AND NOT EXISTS (
          SELECT FROM bureau.answer_kept AS a
          WHERE a.customer_id = given.customer_id AND a.erased_at IS NULL)
ORDER BY given.customer_id;

-- name: add_openings
-- Openings of reports, written before anything of them is given.
-- locks   the reports, shared
INSERT INTO bureau.opening (
    customer_id, opening_id, report_id, purpose, opened_by, grant_id, is_reuse, facts, opened_at,
    leaf_id
)
SELECT r.customer_id, r.opening_id, r.report_id, r.purpose, r.opened_by, r.grant_id, r.is_reuse,
       r.facts, r.opened_at, r.leaf_id
FROM unnest(:rows::bureau.opening_v1[]) AS r;

-- name: keep_answers
-- Answers that are evidence and nothing else.
-- locks   the inquiries, shared
INSERT INTO bureau.answer_kept (
    customer_id, answer_id, inquiry_id, fault, detail, reference, sealed, sealed_sha256,
    received_at, expires_at
)
SELECT r.customer_id, r.answer_id, r.inquiry_id, r.fault, r.detail, r.reference, r.sealed,
       r.sealed_sha256, r.received_at, r.expires_at
FROM unnest(:rows::bureau.answer_kept_v2[]) AS r;

-- name: usage
-- How often the bureau was asked, how often a report served again, and of how many customers, among
-- what was numbered in a span.
-- gives   one row
-- locks   none
SELECT count(*) AS inquiries,
       count(*) FILTER (WHERE i.state = 'intent') AS open_inquiries,
       count(DISTINCT i.customer_id) AS customers,
       (SELECT count(*) FROM bureau.opening AS o
        WHERE o.is_reuse AND o.opening_id >= :first AND o.opening_id < :before) AS reuses
FROM bureau.inquiry AS i
WHERE i.inquiry_id >= :first AND i.inquiry_id < :before;
